// Quotas that refill over time, with more concurrent callers than units. Each refilled unit is granted once, and no
// other unit. The stores answer immediately, or late and out of order.
'use strict';

const assert = require('node:assert/strict');
const { after, beforeEach, describe, it } = require('node:test');
const { newStore, open, unique } = require('./support/auths.js');
const { SECOND, START, clock } = require('./support/lab.js');

const LIMIT = 10;
const WINDOW = { limit: LIMIT, window: '10s' };
/** One unit a second. */
const BUCKET = { ...WINDOW, algorithm: /** @type {const} */ ('bucket') };
/** Number of callers between two steps of the clock. */
const CROWD = 25;

beforeEach(() => clock.set(START));
after(() => clock.release());

/**
 * Runs concurrent callers in groups, and advances the clock between the groups.
 * @param {import('latchgate').Auth} auth
 * @param {string} key
 * @param {import('latchgate').QuotaRule} rule
 * @param {number[]} steps of the clock, in milliseconds
 */
async function race({ quotas }, key, rule, steps) {
  /** @type {Array<Promise<import('latchgate').Consumption>>} */
  const asked = [];
  for (const step of steps) {
    clock.advance(step);
    for (let n = 0; n < CROWD; n++) asked.push(quotas.consume(key, rule));
    // The calls before this step are decided before the next step, in any order of their answers.
    await asked.at(-1);
  }
  const answers = await Promise.all(asked);
  const granted = answers.filter(({ allowed }) => allowed);
  assert.ok(answers.every(({ remaining }) => remaining >= 0 && remaining < LIMIT));
  return { granted: granted.length, remaining: (await quotas.peek(key, rule)).remaining };
}

for (const kind of ['memory:', 'test-deferred:']) {
  describe(`on ${kind} with more callers than units`, () => {
    it('a bucket grants exactly the units that were refilled in the elapsed time', async (t) => {
      const auth = open(t, { store: newStore(kind) });
      const key = unique('key');
      assert.deepEqual(await race(auth, key, BUCKET, [0]), { granted: LIMIT, remaining: 0 });
      const steps = [SECOND, 999, 1, 3 * SECOND, 500, 499, 1, 0];
      assert.deepEqual(await race(auth, key, BUCKET, steps), { granted: 6, remaining: 0 });
      assert.deepEqual(await race(auth, key, BUCKET, [100 * SECOND]), { granted: LIMIT, remaining: 0 });
    });

    it('a window grants the limit for each period, and ends no earlier than reported', async (t) => {
      const auth = open(t, { store: newStore(kind) });
      const key = unique('key');
      assert.deepEqual(await race(auth, key, WINDOW, [0]), { granted: LIMIT, remaining: 0 });
      const { resetAt } = await auth.quotas.peek(key, WINDOW);
      assert.equal(resetAt, START + 10 * SECOND);
      assert.deepEqual(await race(auth, key, WINDOW, [10 * SECOND - 1]), { granted: 0, remaining: 0 });
      assert.deepEqual(await race(auth, key, WINDOW, [1]), { granted: LIMIT, remaining: 0 });
      // Each window begins with its first charge, and not at the end of the previous window.
      const steps = [5 * SECOND, 5 * SECOND, 9 * SECOND, SECOND, 25 * SECOND, 9999, 1];
      assert.deepEqual(await race(auth, key, WINDOW, steps), { granted: 4 * LIMIT, remaining: 0 });
    });

    it('remaining units are granted too, and no further unit', async (t) => {
      const auth = open(t, { store: newStore(kind) });
      for (const [rule, refilled] of /** @type {const} */ ([
        [BUCKET, 2],
        [WINDOW, LIMIT],
      ])) {
        const key = unique('key');
        await auth.quotas.consume(key, rule, { cost: LIMIT - 3 });
        assert.equal((await race(auth, key, rule, [0])).granted, 3);
        const ends = rule === BUCKET ? 2 * SECOND : 10 * SECOND;
        assert.equal((await race(auth, key, rule, [ends])).granted, refilled);
      }
    });
  });
}
