// The plans of the lab: a seed determines all requests, with user and time.
'use strict';

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const { offendersOf } = require('../lib/people.js');
const { arrivals, randomOf, seedFor, usersOf } = require('../lib/random.js');
const { SCENARIOS } = require('../scenarios.js');
const { entry, planOf } = require('./support.js');

/**
 * Returns the requests of a plan with their times, as far as they do not depend on responses.
 * @param {string} id
 * @param {number} seed
 */
async function sent(id, seed) {
  const { steps } = await planOf(id, { random: randomOf(seed) });
  return steps.map(({ at, call }) => ({ at, call: call() }));
}

describe('a plan of the lab', () => {
  it('exists for each of thirteen scenarios', () => {
    assert.deepEqual(
      SCENARIOS.map(({ id }) => id),
      Array.from({ length: 13 }, (_, at) => `S${at + 1}`),
    );
  });

  for (const { id } of SCENARIOS) {
    it(`is the same for the same seed, and differs for another seed (${id})`, async () => {
      const once = await sent(id, 7);
      assert.ok(once.length > 20);
      assert.deepEqual(await sent(id, 7), once);
      assert.notDeepEqual(await sent(id, 8), once);
    });
  }

  it('uses a different seed for each part of a run', () => {
    const parts = ['S1 1 500', 'S1 6 500', 'S1 1 680', 'S2 1 500'];
    assert.equal(new Set(parts.map((part) => seedFor(1, part))).size, parts.length);
    assert.notEqual(seedFor(1, 'S1 1 500'), seedFor(2, 'S1 1 500'));
  });

  it('sends as many requests as the load prescribes, at random times', () => {
    const due = arrivals(500, 20, randomOf(3));
    assert.ok(Math.abs(due.length - 10_000) < 400, `${due.length}`);
    assert.deepEqual(
      due,
      due.toSorted((a, b) => a - b),
    );
    assert.ok(due.every((at) => at >= 0 && at < 20_000));
  });

  it('prefers a few users, and less so with a higher level', () => {
    const share = (/** @type {number} */ level) => {
      const user = usersOf('u', 200, randomOf(5), level);
      const met = Array.from({ length: 20_000 }, user);
      return met.filter((name) => name === 'u-1').length / met.length;
    };
    assert.ok(Math.abs(share(0) - 0.17) < 0.02, `${share(0)}`);
    assert.ok(share(10) < 0.05, `${share(10)}`);
  });

  it('ends a credential during its use, and ends more credentials if each is used for a shorter time', () => {
    const load = { rate: 500, seconds: 5, random: randomOf(1) };
    const { offenders, rate } = offendersOf('x', /** @type {any} */ (load));
    for (const { at, ends } of offenders) {
      assert.ok(at.some((each) => each < ends) && at.some((each) => each > ends));
      assert.ok(at.every((each) => each >= 0 && each < 5000));
    }
    assert.equal(rate, 450);
    assert.ok(offendersOf('x', /** @type {any} */ (load), 500).offenders.length > 2 * offenders.length);
  });

  it('sends a new login for a user who was logged out (S11)', async () => {
    const { steps, learn } = await planOf('S11', { rate: 2000 });
    const calls = steps.toSorted((a, b) => a.at - b.at);
    const first = calls.map(({ call }) => call()).find((call) => call !== undefined);
    learn?.(entry('refresh', first?.about, [1, 2], 401));
    // By now every user refreshes and waits for the response. A user who sends a login was logged out.
    const later = calls.map(({ call }) => call()).filter((call) => call?.kind === 'login');
    assert.deepEqual(
      later.map((call) => call?.about.who),
      [first?.about.who],
    );
  });

  it('sends half of all requests to one user, or the share that a sweep sets (S13)', async () => {
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
