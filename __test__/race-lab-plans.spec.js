// The lab's plans: a seed fixes who sends what, and when.
'use strict';

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const { offendersOf } = require('../bench/lab/lib/people.js');
const { arrivals, randomOf, seedFor, usersOf } = require('../bench/lab/lib/random.js');
const { SCENARIOS } = require('../bench/lab/scenarios.js');
const { entry, planOf } = require('./support/race-lab.js');

/** What is sent, and when, as far as no answer decides it. @param {string} id @param {number} seed */
async function sent(id, seed) {
  const { steps } = await planOf(id, { random: randomOf(seed) });
  return steps.map(({ at, call }) => ({ at, call: call() }));
}

describe('a plan of the lab', () => {
  it('there is one for each of thirteen scenarios', () => {
    assert.deepEqual(
      SCENARIOS.map(({ id }) => id),
      Array.from({ length: 13 }, (_, at) => `S${at + 1}`),
    );
  });

  for (const { id } of SCENARIOS) {
    it(`is the same for the same seed, and another for another (${id})`, async () => {
      const once = await sent(id, 7);
      assert.ok(once.length > 20);
      assert.deepEqual(await sent(id, 7), once);
      assert.notDeepEqual(await sent(id, 8), once);
    });
  }

  it('has a seed of its own for each part of a run', () => {
    const parts = ['S1 1 500', 'S1 6 500', 'S1 1 680', 'S2 1 500'];
    assert.equal(new Set(parts.map((part) => seedFor(1, part))).size, parts.length);
    assert.notEqual(seedFor(1, 'S1 1 500'), seedFor(2, 'S1 1 500'));
  });

  it('sends as many as the load says, in no order of its own', () => {
    const due = arrivals(500, 20, randomOf(3));
    assert.ok(Math.abs(due.length - 10_000) < 400, `${due.length}`);
    assert.deepEqual(
      due,
      due.toSorted((a, b) => a - b),
    );
    assert.ok(due.every((at) => at >= 0 && at < 20_000));
  });

  it('meets a few users very often, and less so where they are levelled', () => {
    const share = (/** @type {number} */ level) => {
      const user = usersOf('u', 200, randomOf(5), level);
      const met = Array.from({ length: 20_000 }, user);
      return met.filter((name) => name === 'u-1').length / met.length;
    };
    assert.ok(Math.abs(share(0) - 0.17) < 0.02, `${share(0)}`);
    assert.ok(share(10) < 0.05, `${share(10)}`);
  });

  it('ends a credential in the midst of its use, and the more of them the shorter they are used', () => {
    const load = { rate: 500, seconds: 5, random: randomOf(1) };
    const { offenders, rate } = offendersOf('x', /** @type {any} */ (load));
    for (const { at, ends } of offenders) {
      assert.ok(at.some((each) => each < ends) && at.some((each) => each > ends));
      assert.ok(at.every((each) => each >= 0 && each < 5000));
    }
    assert.equal(rate, 450);
    assert.ok(offendersOf('x', /** @type {any} */ (load), 500).offenders.length > 2 * offenders.length);
  });

  it('logs in again whoever was thrown out (S11)', async () => {
    const { steps, learn } = await planOf('S11', { rate: 2000 });
    const calls = steps.toSorted((a, b) => a.at - b.at);
    const first = calls.map(({ call }) => call()).find((call) => call !== undefined);
    learn?.(entry('refresh', first?.about, [1, 2], 401));
    // By now everybody refreshes, and is not answered: whoever sends is the one that was thrown out.
    const later = calls.map(({ call }) => call()).filter((call) => call?.kind === 'login');
    assert.deepEqual(
      later.map((call) => call?.about.who),
      [first?.about.who],
    );
  });

  it('sends half of all to one, or as many as a sweep says (S13)', async () => {
    for (const [hot, least, most] of /** @type {Array<[number | undefined, number, number]>} */ ([
      [undefined, 0.4, 0.6],
      [0, 0, 0.1],
      [1, 1, 1],
    ])) {
      const { steps } = await planOf('S13', { rate: 1000, hot });
      const share = steps.filter(({ call }) => call()?.about === 0).length / steps.length;
      assert.ok(share >= least && share <= most, `${hot}: ${share}`);
    }
  });
});
