'use strict';
// The races: what is sent together, and what must not come of it.

const { setTimeout: pause } = require('node:timers/promises');
const { CannotAsk, credentials, isGood } = require('./client.js');

/**
 * @typedef {import('./client.js').Client} Client
 * @typedef {import('./client.js').Values} Values
 * @typedef {import('./gate.js').Answer} Answer
 * @typedef {import('./config.js').Config & { bounds: { requests: number, seconds: number, parallel: number, rounds: number } }} Config
 * @typedef {{ what: string, sent: number, done: number, status: number }} Sight one request, in milliseconds from the first
 *
 * @typedef {object} Finding
 * @property {string} race
 * @property {'found' | 'clean' | 'not run'} verdict
 * @property {string} says
 * @property {number} rounds
 * @property {number} tried
 * @property {number} violations
 * @property {string} [example]
 * @property {Sight[]} [evidence] of the first violation
 */

/** After a credential was taken back it is shown for so long, to see past a cache. */
const AFTERWARDS_MS = 3000;
const PAUSE_MS = 100;

/**
 * @typedef {object} Round
 * @property {number} tried
 * @property {number} violations
 * @property {string} [example]
 * @property {Array<{ what: string, answer: Answer }>} [seen]
 *
 * @typedef {object} Race
 * @property {string} name
 * @property {(config: Config) => string | undefined} lacks what the configuration would have to say
 * @property {(client: Client, config: Config, values: Values) => Promise<Round>} run
 */

class CannotRun extends Error {}

/** @param {Client} client @param {Config} config @param {Values} values @returns {Promise<Values>} */
async function logIn(client, config, values) {
  const answer = await client.one(config.login, values);
  const mine = client.credential(answer, values);
  if (mine === undefined) throw new CannotRun(`login was answered ${answer.status}`);
  if (config.login.token !== undefined && mine.token === undefined)
    throw new CannotRun(`there is no ${config.login.token} in the answer to login`);
  return mine;
}

/** @param {Answer[]} answers @param {string} what */
const seenAs = (answers, what) => answers.map((answer) => ({ what, answer }));

/** @type {Race} */
const OVER_ADMISSION = {
  name: 'over-admission',
  lacks: ({ login }) => (login.sessionLimit === undefined ? 'login.sessionLimit' : undefined),
  async run(client, config, values) {
    const { login, use, bounds } = config;
    const limit = /** @type {number} */ (login.sessionLimit);
    const count = Math.max(limit + 2, bounds.parallel);
    const logins = await client.together(Array.from({ length: count }, () => ({ request: login, values })));
    const holders = credentials(logins, (answer) => client.credential(answer, values));
    if (holders.length === 0) throw new CannotRun(`login was answered ${logins[0].status}`);
    const uses = await client.together(holders.map((mine) => ({ request: use, values: mine })));
    const working = uses.filter(isGood).length;
    const violations = Math.max(0, working - limit);
    return {
      tried: count,
      violations,
      example: `${working} sessions of one user work, ${limit} are allowed`,
      seen: [...seenAs(logins.filter(isGood), 'login'), ...seenAs(uses.filter(isGood), 'use')],
    };
  },
};

/** @type {Race} */
const OVERSPENDING = {
  name: 'overspending',
  lacks: ({ quota }) => (quota === undefined ? 'quota' : undefined),
  async run(client, config, values) {
    const quota = /** @type {NonNullable<Config['quota']>} */ (config.quota);
    const mine = await logIn(client, config, values);
    const { limit } = quota;
    // One after the other up to the edge, and all together over it.
    const edge = Math.max(0, limit - Math.ceil(config.bounds.parallel / 2));
    let granted = 0;
    for (let done = 0; done < edge; done += config.bounds.parallel) {
      const part = Math.min(config.bounds.parallel, edge - done);
      const answers = await client.together(
        Array.from({ length: part }, () => ({ request: quota, values: mine })),
      );
      granted += answers.filter(isGood).length;
    }
    const last = await client.together(
      Array.from({ length: config.bounds.parallel + 2 }, () => ({ request: quota, values: mine })),
    );
    granted += last.filter(isGood).length;
    if (granted === 0) throw new CannotRun(`the rationed route was answered ${last[0].status}`);
    return {
      tried: edge + last.length,
      violations: Math.max(0, granted - limit),
      example: `${granted} requests were let through, ${limit} are allowed`,
      seen: seenAs(last, 'rationed'),
    };
  },
};

/** @type {Race} */
const USE_AFTER_REVOCATION = {
  name: 'use after revocation',
  lacks: ({ revoke }) => (revoke === undefined ? 'revoke' : undefined),
  async run(client, config, values) {
    const { use } = config;
    const revoke = /** @type {import('./config.js').Request} */ (config.revoke);
    const mine = await logIn(client, config, values);
    const asks = { request: use, values: mine };
    const spread = Math.min(10, config.bounds.parallel);
    const before = await client.together(Array.from({ length: spread }, () => asks));
    if (!before.every(isGood))
      throw new CannotRun(`the credential was answered ${before[0].status} before it was taken back`);
    // In the midst of a crowd: a request that is on its way may write back what is just being taken.
    const crowd = await client.together([
      ...Array.from({ length: spread }, () => asks),
      { request: revoke, values: mine },
    ]);
    const taken = crowd[spread];
    if (!isGood(taken)) throw new CannotRun(`revoke was answered ${taken.status}`);
    /** @type {Answer[]} */
    const after = [];
    // Everything here is begun after the answer has come.
    for (const end = taken.done + Math.min(AFTERWARDS_MS, client.left / 4); performance.now() < end; ) {
      after.push(...(await client.together(Array.from({ length: spread }, () => asks))));
      await pause(PAUSE_MS);
    }
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
    const asks = { request: refresh, values: mine };
    const tabs = await client.together([asks, asks]);
    const renewed = credentials(tabs, (answer) => client.credential(answer, mine));
    const refused = tabs.length - renewed.length;
    const different = new Set(renewed.map(({ refreshToken }) => refreshToken)).size - 1;
    const next = await client.together(renewed.map((each) => ({ request: refresh, values: each })).slice(-1));
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

const RACES = [OVER_ADMISSION, OVERSPENDING, USE_AFTER_REVOCATION, LOST_REFRESH];

/**
 * Runs a race several times, for another user each time, until it is lost.
 * @param {Race} race
 * @param {Client} client
 * @param {Config} config
 * @param {(round: number) => Values} user
 * @returns {Promise<Finding>}
 */
async function runRace(race, client, config, user) {
  /** @type {Finding} */
  const finding = { race: race.name, verdict: 'not run', says: '', rounds: 0, tried: 0, violations: 0 };
  const lacking = race.lacks(config);
  if (lacking !== undefined) return { ...finding, says: `the configuration does not say ${lacking}` };
  try {
    for (let round = 0; round < config.bounds.rounds; round++) {
      const { tried, violations, example, seen = [] } = await race.run(client, config, user(round));
      finding.rounds++;
      finding.tried += tried;
      finding.violations += violations;
      if (violations === 0) continue;
      Object.assign(finding, { example, evidence: sights(seen) });
      break;
    }
  } catch (error) {
    if (!(error instanceof CannotRun) && !(error instanceof CannotAsk)) throw error;
    finding.says = error.message;
  }
  if (finding.violations > 0) finding.verdict = 'found';
  else if (finding.rounds > 0) finding.verdict = 'clean';
  return finding;
}

/** @param {Array<{ what: string, answer: Answer }>} seen @returns {Sight[]} */
function sights(seen) {
  const start = Math.min(...seen.map(({ answer }) => answer.sent));
  const ms = (/** @type {number} */ at) => Math.round((at - start) * 1000) / 1000;
  return seen
    .map(({ what, answer: { sent, done, status } }) => ({ what, sent: ms(sent), done: ms(done), status }))
    .sort((a, b) => a.sent - b.sent || a.done - b.done)
    .slice(0, 50);
}

module.exports = { RACES, runRace };
