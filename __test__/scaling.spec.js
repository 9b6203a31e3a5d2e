// docs/scaling.md says what its arithmetic gives, and the arithmetic agrees with a simulation.
'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const { describe, it } = require('node:test');
const capacity = require('../bench/lib/capacity.js');
const { FILE, written } = require('../bench/scaling.js');

/** @param {number} value @param {number} expected @param {number} share @param {string} what */
const near = (value, expected, share, what) =>
  assert.ok(Math.abs(value - expected) <= expected * share, `${what}: ${value}, expected ${expected}`);

describe('docs/scaling.md', () => {
  it('holds the tables that bench/scaling.js makes', () => {
    const text = fs.readFileSync(FILE, 'utf8');
    assert.equal(text, written(text), 'node bench/scaling.js --docs');
  });
});

describe('the arithmetic of capacity', () => {
  it('agrees with the simulation on load and on waiting', () => {
    for (const load of [0.3, 0.6, 0.8]) {
      for (const servers of [1, 3, 6]) {
        const rate = capacity.decisions(servers, capacity.COSTS.lone, load);
        const seen = capacity.simulate({ servers, users: 100_000, rate, requests: 300_000, seed: 7 });
        near(seen.load, load, 0.02, `load of ${servers}`);
        near(seen.mean, capacity.wait(load), 0.15, `wait for ${servers} at ${load}`);
        near(seen.fullest, load * capacity.peak(servers, 100_000), 0.03, `the fullest of ${servers}`);
      }
    }
  });

  it('agrees with where real ids lie', () => {
    for (const servers of [2, 3, 6, 12, 24]) {
      const users = 200_000;
      const counts = capacity.spread(servers, users);
      assert.ok(
        Math.max(...counts) <= (users / servers) * capacity.peak(servers, users) * 1.02,
        `${servers}`,
      );
    }
  });

  it('gives as many servers and processes as carry what is asked, and not one more', () => {
    for (const rate of [1, 10_000, 123_456, 1_000_000]) {
      const servers = capacity.masters(rate);
      assert.ok(capacity.decisions(servers) >= rate && capacity.decisions(servers - 1) < rate);
    }
  });
});
