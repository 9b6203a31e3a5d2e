// Races of units across processes: buckets, windows, top-ups, refunds, transfers; see processes.js.
'use strict';

const assert = require('node:assert/strict');
const { unique } = require('../auths.js');
const { request, requests, statuses } = require('../processes.js');

/** @typedef {import('./processes.js').Crowd} Crowd */

/** What gate.js and unguarded.js grant in each window of a second. */
const A_WINDOW = 20;
const WINDOWS = 4;

/** @param {Crowd} crowd */
async function bursts({ port }) {
  const path = `/burst/${unique('key')}`;
  const questions = Array.from({ length: 2000 }, () => ({ port, method: 'POST', path }));
  return { statuses: statuses(await requests(questions)) };
}

/** @param {Crowd} crowd */
async function topUps({ port }) {
  const key = unique('key');
  const questions = Array.from({ length: 1000 }, () => ({ port, method: 'POST', path: `/top-up/${key}/2` }));
  const answers = await requests(questions);
  return { statuses: statuses(answers), limit: (await request({ port, path: `/top-up/${key}` })).body.limit };
}

/** Each of ten receipts is shown by fifty at once. @param {Crowd} crowd */
async function refunds({ port }) {
  const key = unique('key');
  const charge = { port, method: 'POST', path: `/charge/${key}/5` };
  const receipts = (await requests(Array(10).fill(charge), 1)).map(({ body }) => body.receipt);
  const paths = receipts.flatMap((receipt) => Array(50).fill(`/refund/${encodeURIComponent(receipt)}`));
  const answers = await requests(paths.map((path) => ({ port, method: 'POST', path })));
  const { remaining } = (await request({ port, path: `/left/${key}` })).body;
  return { statuses: statuses(answers), remaining };
}

/** From one counter to another, as often as the bound of the second allows. @param {Crowd} crowd */
async function transfers({ port }) {
  const user = unique();
  const questions = Array.from({ length: 1000 }, () => ({ port, method: 'POST', path: `/move/${user}` }));
  const answers = await requests(questions);
  return { statuses: statuses(answers), values: (await request({ port, path: `/moved/${user}` })).body };
}

/**
 * Charges without a pause over the ends of several windows. Each window, told by the instant at which it ends, is counted, and
 * so is what all of them can be in the time that has passed.
 * @param {Crowd} crowd
 */
async function windows({ port, workers }) {
  const path = `/tick/${unique('key')}`;
  /** @type {Map<number, number>} */
  const granted = new Map();
  const began = performance.now();
  const loops = Array.from({ length: 4 * workers.length }, async () => {
    while (granted.size < WINDOWS) {
      const { status, body } = await request({ port, method: 'POST', path });
      assert.ok(status === 200 || status === 429, `${status}`);
      if (status === 200) granted.set(body.resetAt, (granted.get(body.resetAt) ?? 0) + 1);
    }
  });
  await Promise.all(loops);
  // Windows begin in whole milliseconds.
  const possible = Math.floor((performance.now() - began + 2) / 1000) + 1;
  const ends = [...granted.keys()].sort((a, b) => a - b);
  return {
    beyond: [...granted.values()].filter((units) => units > A_WINDOW).length,
    early: ends.filter((end, n) => n > 0 && end - ends[n - 1] < 1000).length,
    tooMany: Math.max(0, granted.size - possible),
    over: Math.max(0, [...granted.values()].reduce((sum, units) => sum + units, 0) - possible * A_WINDOW),
  };
}

/** @type {import('./processes.js').Race[]} */
const UNITS = [
  {
    rule: '2,000 requests on a bucket of 100 pass exactly 100',
    run: bursts,
    check: (seen) => assert.deepEqual(seen, { statuses: { 200: 100, 429: 1900 } }),
  },
  {
    rule: 'each of 1,000 parallel top-ups counts',
    run: topUps,
    check: (seen) => assert.deepEqual(seen, { statuses: { 200: 1000 }, limit: 2001 }),
  },
  {
    rule: 'ten receipts, each shown by fifty at once, give back ten charges',
    run: refunds,
    check: (seen) => assert.deepEqual(seen, { statuses: { 200: 10, 409: 490 }, remaining: 100 }),
  },
  {
    rule: 'of 1,000 parallel transfers within a bound of 500 exactly 500 are made, and none by half',
    run: transfers,
    check: (seen) =>
      assert.deepEqual(seen, { statuses: { 200: 500, 409: 500 }, values: { from: -500, to: 500 } }),
  },
  {
    rule: 'no window of a second by the clock of the store grants more than 20 while the clocks of the processes differ by 10 s',
    clocks: [5, -5, 3, -3, 0, 5],
    run: windows,
    check: (seen) => assert.deepEqual(seen, { beyond: 0, early: 0, tooMany: 0, over: 0 }),
  },
];

module.exports = { UNITS };
