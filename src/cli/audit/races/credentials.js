'use strict';
// A credential that is taken back, and one that is renewed.

const { setTimeout: pause } = require('node:timers/promises');
const { credentials, isGood } = require('../client.js');
const { CannotRun, crowd, logIn, seenAs, told } = require('./steps.js');

/** @typedef {import('./steps.js').Race} Race */
/** @typedef {import('./steps.js').Answer} Answer */
/** @typedef {import('../config.js').Config} Config */

/** After a credential was taken back it is shown for so long, to see past a cache. */
const AFTERWARDS_MS = 3000;
const PAUSE_MS = 100;

/** @type {Race} */
const USE_AFTER_REVOCATION = {
  name: 'use after revocation',
  lacks: ({ revoke }) => (revoke === undefined ? 'revoke' : undefined),
  async run(client, config, values) {
    const { use } = config;
    const revoke = /** @type {import('../config.js').Request} */ (config.revoke);
    const mine = await logIn(client, config, values);
    const asks = crowd(use, mine, Math.min(10, client.parallel - 1));
    const before = await client.together(asks);
    const amiss = before.find((answer) => !isGood(answer));
    if (amiss) throw new CannotRun(`the credential was ${told(amiss)} before it was taken back`);
    // In the midst of a crowd: a request that is on its way may write back what is just being taken.
    const taken = /** @type {Answer} */ (
      (await client.together([...asks, { request: revoke, values: mine }])).at(-1)
    );
    if (!isGood(taken)) throw new CannotRun(`revoke was ${told(taken)}`);
    /** @type {Answer[]} */
    const after = [];
    // Everything here is begun after the answer has come.
    const end = taken.done + Math.min(AFTERWARDS_MS, client.left / 4);
    do {
      after.push(...(await client.together(asks)));
      await pause(PAUSE_MS);
    } while (performance.now() < end);
    const through = after.filter(isGood);
    const latest = Math.round(Math.max(0, ...through.map(({ sent }) => sent - taken.done)));
    return {
      tried: after.length,
      violations: through.length,
      example: `let through up to ${latest} ms after the revocation had been answered`,
      seen: [{ what: 'revoke', answer: taken }, ...seenAs(through, 'use')],
    };
  },
};

/** @type {Race} */
const LOST_REFRESH = {
  name: 'lost refresh',
  lacks: ({ refresh }) => (refresh === undefined ? 'refresh' : undefined),
  async run(client, config, values) {
    const refresh = /** @type {NonNullable<Config['refresh']>} */ (config.refresh);
    const mine = await logIn(client, config, values);
    if (mine.refreshToken === undefined)
      throw new CannotRun('there is no refresh token in the answer to login');
    // Two tabs, which wake up at the same time.
    const tabs = await client.together(crowd(refresh, mine, 2));
    assertAnswered(tabs);
    const renewed = credentials(tabs, (answer) => client.credential(answer, mine));
    if (renewed.length === 0) await assertRefreshes(client, config, values);
    const refused = tabs.length - renewed.length;
    const different = new Set(renewed.map(({ refreshToken }) => refreshToken)).size - 1;
    const next = await client.together(renewed.map((each) => ({ request: refresh, values: each })).slice(-1));
    assertAnswered(next);
    const thrownOut = renewed.length > 0 && !next.every(isGood);
    const reasons = [
      ...(refused > 0 ? [`${refused} of two tabs refused`] : []),
      ...(different > 0 ? ['two successors of one refresh token'] : []),
      ...(thrownOut ? ['the successor is worth nothing: the user is thrown out'] : []),
    ];
    return {
      tried: tabs.length,
      violations: reasons.length > 0 ? 1 : 0,
      example: reasons.join('; '),
      seen: [...seenAs(tabs, 'refresh'), ...seenAs(next, 'next refresh')],
    };
  },
};

/** What was not answered may have been done. @param {Answer[]} answers */
function assertAnswered(answers) {
  if (answers.some(({ status }) => status === 0)) throw new CannotRun('a refresh was not answered');
}

/**
 * Where nobody is let through it may be the request that is wrong, and no race.
 * @param {import('./steps.js').Client} client
 * @param {Config} config
 * @param {import('./steps.js').Values} values
 */
async function assertRefreshes(client, config, values) {
  const refresh = /** @type {NonNullable<Config['refresh']>} */ (config.refresh);
  const alone = await client.one(refresh, await logIn(client, config, values));
  if (!isGood(alone)) throw new CannotRun(`refresh was ${told(alone)}`);
}

module.exports = { LOST_REFRESH, USE_AFTER_REVOCATION };
