'use strict';
// Browsers refresh; some have two tabs open, which wake up at the same time with the same token.

const { arrivals } = require('../lib/random.js');
const { timeline } = require('../lib/judge.js');

const USERS = 300;
/** Milliseconds between two tabs. */
const APART = 20;

/** @type {import('../lib/app.js').Scenario} */
module.exports = {
  id: 'S11',
  title: 'Two tabs refresh at once',
  unprotected: 'HGETALL, used already?, mark, issue (ioredis, jsonwebtoken)',
  operation: 'refreshes',
  violation: 'a user thrown out, or two live successors of one refresh token',
  async plan({ rate, seconds, random, ask }) {
    /** What each browser holds; undefined while it refreshes. @type {Array<string | undefined>} */
    const held = [];
    for (let n = 0; n < USERS; n++)
      held.push((await ask({ path: '/login', body: { user: `user-${n}` } })).body.refreshToken);
    const steps = arrivals(rate, seconds, random).flatMap((at) => {
      const n = Math.floor(random() * USERS);
      /** @type {string | undefined} */
      let token;
      const first = () => {
        token = held[n];
        held[n] = undefined;
        return (
          token && { kind: 'refresh', about: { n, token }, path: '/refresh', body: { refreshToken: token } }
        );
      };
      const second = () =>
        token && { kind: 'refresh', about: { n, token }, path: '/refresh', body: { refreshToken: token } };
      const twice = random() < 0.2 ? [{ at: at + random() * APART, call: second }] : [];
      return [{ at, call: first }, ...twice];
    });
    return {
      steps,
      learn: ({ about, status, body }) => {
        // Whoever is thrown out logs in again, somewhere else.
        if (status === 200) held[about.n] = body.refreshToken;
      },
      judge,
    };
  },
};

/**
 * @param {import('../lib/drive.js').Entry[]} log
 * @returns {import('../lib/app.js').Judged}
 */
function judge(log) {
  /** @type {Map<string, import('../lib/drive.js').Entry>} */
  const successors = new Map();
  let violations = 0;
  let caught;
  for (const entry of log) {
    const before = successors.get(entry.about.token);
    if (entry.status === 200 && before === undefined) {
      successors.set(entry.about.token, entry);
      continue;
    }
    if (entry.status === 200 && before?.body.refreshToken === entry.body.refreshToken) continue;
    violations++;
    const what = entry.status === 200 ? 'two live successors' : 'thrown out';
    caught ??= timeline(`user-${entry.about.n}: ${what}`, before ? [before] : [], entry);
  }
  return { tried: log.length, violations, caught };
}
