// What the specs of store faults have in common: an Auth behind the proxy, another one beside it that sees what the server
// really holds, and answers told as a status.
'use strict';

const assert = require('node:assert/strict');
const { open, unique } = require('./auths.js');
const { frontOf } = require('./front.js');
const { token } = require('./jwt.js');
const { startProxy } = require('./proxy.js');
const { startServer } = require('./servers.js');
const { until } = require('./started.js');

/** @typedef {import('latchgate').Auth} Auth */

/** Deadlines that a test can wait for. */
const DEADLINES = { commandTimeout: '400ms', connectTimeout: '400ms' };

/** Options where the test names none of these. @type {import('latchgate').AuthOptions} */
const USUAL = { sessions: { admission: 'first-use' } };

/** How long a recovery may take before the test gives up: far beyond what is promised. */
const PATIENCE = 30_000;

/**
 * An Auth that reaches the server through the proxy, warm: connected, its scripts known.
 * @param {import('./started.js').Test} t
 * @param {{ server?: import('./servers.js').Options, way?: import('./front.js').Way, options?: import('latchgate').AuthOptions, store?: object, usual?: import('latchgate').AuthOptions }} [settings] store: further members of the option; usual: {} for none but `options`
 */
async function faulty(
  t,
  { server: settings = {}, way = 'TCP', options = {}, store = {}, usual = USUAL } = {},
) {
  const server = await startServer(t, settings);
  const proxy = await startProxy(t, { port: server.port }, frontOf(t, way));
  const auth = open(t, { store: { url: proxy.url, ...DEADLINES, ...store }, ...usual, ...options });
  const judge = open(t, { store: server.url(), ...usual, ...options });
  // What an Auth asks at its start must not be counted later.
  await Promise.all([auth.ready(), judge.ready()]);
  const user = unique();
  const live = token({ sub: user, sid: 'live' });
  assert.equal(await status(auth, live), 200);
  return { server, proxy, auth, judge, user, live };
}

/**
 * The status that a request with this token would get.
 * @param {Auth} auth
 * @param {string} text
 * @param {import('latchgate').Policy} [policy]
 */
async function status(auth, text, policy) {
  /** @type {NodeJS.Timeout | undefined} */
  let timer;
  const never = new Promise((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error('a request was never answered')), 2 * PATIENCE);
  });
  try {
    const answer = await Promise.race([auth.authenticate({ token: text }, policy), never]);
    return answer.ok ? 200 : answer.status;
  } finally {
    clearTimeout(timer);
  }
}

/** Several requests at once, by status. @param {Auth} auth @param {string[]} texts @returns {Promise<Record<number, number>>} */
async function tally(auth, texts) {
  /** @type {Record<number, number>} */
  const counts = {};
  for (const each of await Promise.all(texts.map((text) => status(auth, text))))
    counts[each] = (counts[each] ?? 0) + 1;
  return counts;
}

/** Tokens of sessions of one user that nobody has seen: what must be written to pass. @param {number} count */
const newcomers = (count, sub = unique()) =>
  Array.from({ length: count }, () => token({ sub, sid: unique('s') }));

/** Without help: no call but the requests themselves. @param {Auth} auth @param {string} text */
async function recovered(auth, text) {
  await until(
    'it recovers',
    async () => {
      const got = await status(auth, text);
      assert.notEqual(got, 401, 'a fault of the store is never 401');
      return got === 200;
    },
    PATIENCE,
  );
}

/** @param {any} error */
const isStoreFault = (error) =>
  /^ERR_LATCHGATE_STORE_(UNAVAILABLE|TIMEOUT)$/.test(error?.code) && error.status === 503;

/** For assert.rejects. @param {any} error */
function storeFault(error) {
  if (!isStoreFault(error)) throw error;
  return true;
}

/** Of settled calls: the values, and how many were a fault of the store; any other rejection is thrown. @param {Array<Promise<any>>} calls */
async function settled(calls) {
  const results = await Promise.allSettled(calls);
  let faults = 0;
  for (const result of results) if (result.status === 'rejected' && storeFault(result.reason)) faults++;
  return { faults, results };
}

module.exports = {
  DEADLINES,
  PATIENCE,
  faulty,
  isStoreFault,
  newcomers,
  recovered,
  settled,
  status,
  storeFault,
  tally,
};
