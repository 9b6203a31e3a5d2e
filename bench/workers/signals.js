'use strict';
// One of the processes of row JS: holds requests whose signal was read, and writes down when it aborted; or revokes. Instants are of
// the monotonic clock, which all processes of a machine share, in microseconds.

const { createAuth } = require('../../src/js/index.js');
const { authOptions } = require('../lib/settings.js');

const now = () => Number(process.hrtime.bigint()) / 1000;

/** @param {number} port */
function site(port) {
  const auth = createAuth(authOptions(`redis://127.0.0.1:${port}`));
  /** When each signal aborted. @type {Promise<number>[]} */
  let aborted = [];

  return {
    ready: () => auth.ready(),
    /** Requests of one user, in flight until it is revoked. @param {{ token: string, count: number }} load */
    async watch({ token, count }) {
      const answers = await Promise.all(Array.from({ length: count }, () => auth.authenticate({ token })));
      aborted = answers.map((answer) => {
        if (!answer.ok) throw new Error(`refused: ${answer.reason}`);
        const { signal } = answer.auth;
        return new Promise((resolve) => signal.addEventListener('abort', () => resolve(now())));
      });
      return {};
    },
    /** @param {{ user: string }} whose requests are to end */
    async revoke({ user }) {
      const called = now();
      await auth.tokens.revokeUser(user);
      return { called, done: now() };
    },
    aborted: async () => ({ at: await Promise.all(aborted) }),
  };
}

/** @type {any} */
let own;

process.on('message', async (/** @type {any} */ { start, method, job }) => {
  try {
    if (start !== undefined) own = site(start.port);
    process.send?.({ result: (await own[method ?? 'ready'](job)) ?? {} });
  } catch (error) {
    process.send?.({ error: String(/** @type {Error} */ (error)?.stack ?? error) });
  }
});
// Its connections would keep it.
process.once('disconnect', () => process.exit());
