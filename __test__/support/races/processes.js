// Races across processes, to be run on an app that must win them and on one that must lose them. Unlike the races within a
// process they know no store: they speak HTTP, to all processes through the front, or to one through its own port.
'use strict';

const assert = require('node:assert/strict');
const { unique } = require('../auths.js');
const { token } = require('../jwt.js');
const { request, requests, statuses } = require('../processes.js');
const { acceptedAfter } = require('./amid.js');
const { KEYS } = require('./key-processes.js');
const { UNITS } = require('./unit-processes.js');

/** @typedef {Awaited<ReturnType<typeof import('../processes.js').startProcesses>>} Crowd */

/**
 * @typedef {object} Race
 * @property {string} rule
 * @property {number[]} [clocks] seconds by which the processes' clocks are off
 * @property {(crowd: Crowd) => Promise<any>} run
 * @property {(seen: any) => void} check throws an AssertionError where what was seen breaks the rule
 */

/** @param {Crowd} crowd @param {string} user @returns {Promise<string>} a token of a session that was admitted */
async function login({ port }, user) {
  const { body } = await request({ port, method: 'POST', path: `/login/${user}` });
  // The unguarded twin issues none: it believes any.
  return body.token ?? token({ sub: user, sid: body.sessionId });
}

/** @param {Crowd} crowd */
async function logins({ port }) {
  const user = unique();
  const path = `/login/${user}`;
  const answers = await requests(
    Array.from({ length: 200 }, () => ({ port, method: 'POST', path })),
    200,
  );
  const live = (await request({ port, path: `/sessions/${user}` })).body;
  return { statuses: statuses(answers), live: live.length };
}

/** @param {Crowd} crowd */
async function firstUses({ port }) {
  const user = unique();
  const fresh = () => token({ sub: user, sid: unique('s') });
  const questions = Array.from({ length: 200 }, () => ({ port, path: '/first', token: fresh() }));
  return { statuses: statuses(await requests(questions, 200)) };
}

/** @param {Crowd} crowd */
async function charges({ port }) {
  const key = unique('key');
  const questions = Array.from({ length: 10_000 }, () => ({ port, method: 'POST', path: `/spend/${key}` }));
  const answers = await requests(questions);
  const { remaining } = (await request({ port, path: `/left/${key}` })).body;
  return { statuses: statuses(answers), remaining };
}

/**
 * Every charge is asked for three times, in any order and through any process, as by a client that got no answer.
 * @param {Crowd} crowd
 */
async function retries({ port }) {
  const key = unique('key');
  const paths = Array.from({ length: 9000 }, (_each, n) => `/once/${key}/i${n % 3000}`);
  const answers = await requests(paths.map((path) => ({ port, method: 'POST', path })));
  /** What each idempotency key was granted. @type {Map<string, Set<number>>} */
  const granted = new Map();
  let charged = 0;
  for (const [index, { status, body }] of answers.entries()) {
    if (status !== 200) continue;
    if (body.replayed !== true) charged++;
    granted.set(paths[index], (granted.get(paths[index]) ?? new Set()).add(body.remaining));
  }
  const twice = [...granted.values()].filter(({ size }) => size !== 1).length;
  return { charged, keys: granted.size, twice };
}

/** @param {Crowd} crowd */
async function refreshes({ port }) {
  const user = unique();
  const enter = { port, method: 'POST', path: `/enter/${user}` };
  const entered = await requests(
    Array.from({ length: 50 }, () => enter),
    50,
  );
  // Of logins that overtook each other the last one's token is good: this one is alone.
  let token = (await request(enter)).body.refreshToken;
  let successors = 0;
  const rounds = 5;
  for (let round = 0; round < rounds; round++) {
    const path = `/refresh/${token}`;
    const answers = await requests(
      Array.from({ length: 100 }, () => ({ port, method: 'POST', path })),
      100,
    );
    const followed = new Set(answers.map(({ body }) => body.refreshToken));
    successors += followed.size;
    [token] = followed;
  }
  const live = (await request({ port, path: `/sessions/${user}` })).body;
  const fresh = entered.filter(({ body }) => body.admission?.existing === false).length;
  return { statuses: statuses(entered), fresh, live: live.length, successors: successors / rounds };
}

/** @param {Crowd} crowd */
async function chargedRequests(crowd) {
  const text = await login(crowd, unique());
  const questions = Array.from({ length: 2000 }, () => ({ port: crowd.port, path: '/bounded', token: text }));
  return { statuses: statuses(await requests(questions)) };
}

/** Up and down by turns. @param {Crowd} crowd */
async function additions({ port }) {
  const user = unique();
  const changes = Array.from({ length: 1000 }, (_each, index) => (index % 2 === 0 ? 1 : -1));
  const answers = await requests(
    changes.map((delta) => ({ port, method: 'POST', path: `/add/${user}/${delta}` })),
    200,
  );
  const made = changes.filter((_delta, index) => answers[index].status === 200);
  const { value } = (await request({ port, path: `/value/${user}` })).body;
  const sum = made.reduce((total, delta) => total + delta, 0);
  const answered = answers.filter(({ status }) => status === 200 || status === 409).length;
  return { answered, unaccounted: value - sum, within: value >= 0 && value <= 20 };
}

/** @param {Crowd} crowd */
async function registrations({ port }) {
  // Of the first key some requests come early, because connections are still to be made.
  const paths = Array.from({ length: 10 }, () => `/once/${unique('key')}`);
  const questions = paths.flatMap((path) => Array(200).fill({ port, method: 'POST', path }));
  const answers = await requests(questions, 200);
  return paths.map((_path, index) => statuses(answers.slice(index * 200, (index + 1) * 200)));
}

/** @param {Crowd} crowd */
async function revocations(crowd) {
  const text = await login(crowd, unique());
  const { workers } = crowd;
  return acceptedAfter(
    workers,
    (port) => request({ port, path: '/me', token: text }),
    async () => {
      const answer = await request({ port: workers[0].port, method: 'POST', path: '/revoke', token: text });
      assert.equal(answer.body.revoked, true);
    },
  );
}

/** @param {Crowd} crowd */
async function activity(crowd) {
  const text = await login(crowd, unique());
  const { workers } = crowd;
  const clocks = await Promise.all(
    workers.map(async ({ port }) => (await request({ port, path: '/now' })).body.now),
  );
  const spread = Math.max(...clocks) - Math.min(...clocks);
  assert.ok(spread > 27_000, `the clocks are ${spread} ms apart`);
  let back = 0;
  let off = 0;
  let failed = 0;
  let last = 0;
  // One after the other, so that their order is known, each through another process.
  for (let n = 0; n < 20 * workers.length; n++) {
    const { status, body } = await request({
      port: workers[n % workers.length].port,
      path: '/me',
      token: text,
    });
    if (status !== 200) {
      failed++;
      continue;
    }
    const { lastActiveAt, previousActiveAt } = body.session;
    if (lastActiveAt < last || previousActiveAt > lastActiveAt || (last > 0 && previousActiveAt !== last))
      back++;
    // The clocks of this process and of the server are right.
    if (Math.abs(lastActiveAt - Date.now()) > 5000) off++;
    last = lastActiveAt;
  }
  return { back, off, failed };
}

/** @type {Race[]} */
const PROCESSES = [
  {
    rule: '200 parallel logins of one user with limit 3 admit exactly 3',
    run: logins,
    check: (seen) => assert.deepEqual(seen, { statuses: { 201: 3, 403: 197 }, live: 3 }),
  },
  {
    rule: '10,000 requests on a quota of 100 pass exactly 100',
    run: charges,
    check: (seen) => assert.deepEqual(seen, { statuses: { 200: 100, 429: 9900 }, remaining: 0 }),
  },
  {
    rule: 'of 1,000 parallel additions of 1 and -1 within bounds each that was made counts',
    run: additions,
    check: (seen) => assert.deepEqual(seen, { answered: 1000, unaccounted: 0, within: true }),
  },
  {
    rule: 'of 200 parallel callers of once() one gets the key, each of ten times',
    run: registrations,
    check: (seen) => assert.deepEqual(seen, Array(10).fill({ 201: 1, 409: 199 })),
  },
  {
    rule: 'a token revoked through one process is refused by all others for every request begun after revoke() resolved',
    run: revocations,
    check: (seen) => assert.deepEqual(seen, { accepted: 0 }),
  },
  {
    rule: 'last-active never goes backwards while the clocks of the processes differ by 28 s',
    clocks: [14, -14, 7, -7, 0, 14],
    run: activity,
    check: (seen) => assert.deepEqual(seen, { back: 0, off: 0, failed: 0 }),
  },
  {
    rule: '200 first uses of one user with limit 3 pass exactly 3',
    run: firstUses,
    check: (seen) => assert.deepEqual(seen, { statuses: { 200: 3, 403: 197 } }),
  },
  {
    rule: '3,000 charges of which each is asked for three times are made at most once, and 1,200 in all on a quota of 1,200',
    run: retries,
    check: (seen) => assert.deepEqual(seen, { charged: 1200, keys: 1200, twice: 0 }),
  },
  {
    rule: '50 logins of one request have one slot, and 100 uses of one refresh token one successor',
    run: refreshes,
    check: (seen) => assert.deepEqual(seen, { statuses: { 200: 50 }, fresh: 1, live: 1, successors: 1 }),
  },
  {
    rule: '2,000 requests on a quota of 100 in the policy pass exactly 100',
    run: chargedRequests,
    check: (seen) => assert.deepEqual(seen, { statuses: { 200: 100, 429: 1900 } }),
  },
  ...UNITS,
  ...KEYS,
];

module.exports = { PROCESSES };
