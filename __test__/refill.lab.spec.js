// Units that time brings back, raced for by more callers than there are units: each is granted once, and none that time has not
// brought. On stores that answer on the spot, and late and out of order.
'use strict';

const assert = require('node:assert/strict');
const { after, beforeEach, describe, it } = require('node:test');
const { newStore, open, unique } = require('./support/auths.js');
const { SECOND, START, clock } = require('./support/lab.js');

const LIMIT = 10;
const WINDOW = { limit: LIMIT, window: '10s' };
/** One unit a second. */
const BUCKET = { ...WINDOW, algorithm: /** @type {const} */ ('bucket') };
/** Callers between two steps of the clock. */
const CROWD = 25;

beforeEach(() => clock.set(START));
after(() => clock.release());

/**
 * Crowds that ask at once, and between them the clock goes on.
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
    // What was asked before this step is decided before the next one, in whatever order its answers come.
    await asked.at(-1);
  }
  const answers = await Promise.all(asked);
  const granted = answers.filter(({ allowed }) => allowed);
  assert.ok(answers.every(({ remaining }) => remaining >= 0 && remaining < LIMIT));
  return { granted: granted.length, remaining: (await quotas.peek(key, rule)).remaining };
}

for (const kind of ['memory:', 'test-deferred:']) {
  describe(`on ${kind} of more callers than units`, () => {
    it('those of a bucket get what the time between them has refilled, and not a unit more', async (t) => {
      const auth = open(t, { store: newStore(kind) });
      const key = unique('key');
      assert.deepEqual(await race(auth, key, BUCKET, [0]), { granted: LIMIT, remaining: 0 });
      const steps = [SECOND, 999, 1, 3 * SECOND, 500, 499, 1, 0];
      assert.deepEqual(await race(auth, key, BUCKET, steps), { granted: 6, remaining: 0 });
      assert.deepEqual(await race(auth, key, BUCKET, [100 * SECOND]), { granted: LIMIT, remaining: 0 });
    });

    it('those of a window get a limit for each that began, and its end is no earlier than it was told', async (t) => {
      const auth = open(t, { store: newStore(kind) });
      const key = unique('key');
      assert.deepEqual(await race(auth, key, WINDOW, [0]), { granted: LIMIT, remaining: 0 });
      const { resetAt } = await auth.quotas.peek(key, WINDOW);
      assert.equal(resetAt, START + 10 * SECOND);
      assert.deepEqual(await race(auth, key, WINDOW, [10 * SECOND - 1]), { granted: 0, remaining: 0 });
      assert.deepEqual(await race(auth, key, WINDOW, [1]), { granted: LIMIT, remaining: 0 });
      // Each window begins with its first charge, and not where the one before it ended.
      const steps = [5 * SECOND, 5 * SECOND, 9 * SECOND, SECOND, 25 * SECOND, 9999, 1];
      assert.deepEqual(await race(auth, key, WINDOW, steps), { granted: 4 * LIMIT, remaining: 0 });
    });

    it('and of some units left those are granted too, and no more', async (t) => {
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
