// docs/scaling.md contains the results of the capacity formulas. The formulas agree with a simulation and with
// measurements.
'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const { describe, it } = require('node:test');
const capacity = require('../lib/capacity.js');
const { FILE, PLAN, planned, weighed, written } = require('../scaling.js');

/** @param {number} value @param {number} expected @param {number} share @param {string} what */
const near = (value, expected, share, what) =>
  assert.ok(Math.abs(value - expected) <= expected * share, `${what}: ${value}, expected ${expected}`);

describe('docs/scaling.md', () => {
  it('contains the tables that bench/scaling.js generates', () => {
    const text = fs.readFileSync(FILE, 'utf8');
    assert.equal(text, written(text), 'node bench/scaling.js --docs');
  });
});

describe('the capacity formulas', () => {
  it('agree with the simulation on load and on wait times', () => {
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

  it('use the measured memory of users, sessions, quotas and keys on a server', () => {
    const { COSTS } = capacity;
    const [{ sizes, further }] = weighed();
    const { user, session } = sizes.at(-1);
    const bytes = (/** @type {RegExp} */ what) => further.find((each) => what.test(each.what)).bytes;
    near(COSTS.user, user, 0.02, 'a user');
    near(COSTS.session, session, 0.02, 'a session');
    near(COSTS.quota, bytes(/in the user's record/), 0.02, 'a quota');
    near(COSTS.key, bytes(/API key/), 0.02, 'an API key');
  });

  it("agree with the simulation on the busiest user, and on the load of that user's master", () => {
    // The places of the other busy users are random: other names give other places. The formula computes the mean.
    const users = 100_000;
    const seeds = Array.from({ length: 24 }, (_, at) => at + 1);
    for (const servers of [3, 6]) {
      const rate = capacity.decisions(servers);
      const seen = seeds.map((seed) =>
        capacity.simulate({ servers, users, rate, requests: 40_000, seed, zipf: true }),
      );
      const mean = (/** @type {(one: (typeof seen)[0]) => number} */ of) =>
        seen.reduce((sum, one) => sum + of(one), 0) / seen.length;
      const share = capacity.busiest(users);
      const alone = (rate * share * capacity.COSTS.lone) / 1e6;
      near(
        mean((one) => one.busiest),
        share,
        0.01,
        'share of the busiest',
      );
      near(
        mean((one) => one.load),
        capacity.LOAD.master,
        0.01,
        'load of all',
      );
      const hottest = mean((one) => one.hottest);
      near(hottest, capacity.hottest(rate, servers, share), 0.04, `the busiest user's master of ${servers}`);
      assert.ok(hottest > alone * 1.5, 'the master also serves other users');
    }
  });

  it("give the share of one user at which the user's master is full", () => {
    for (const [rate, servers] of [
      [PLAN.rate, planned().servers],
      [100_000, 2],
    ]) {
      const share = capacity.largestShare(rate, servers, 1);
      near(capacity.hottest(rate, servers, share), 1, 1e-9, 'full');
    }
    const rate = PLAN.rate;
    assert.ok(capacity.hottest(rate, planned().servers, capacity.busiest(PLAN.users)) > 1.25);
    // With any number of masters, the load of the single user remains.
    const alone = (rate * capacity.busiest(PLAN.users) * capacity.COSTS.lone) / 1e6;
    near(
      capacity.hottest(rate, 16_384, capacity.busiest(PLAN.users)),
      alone,
      0.01,
      'of as many as there are',
    );
  });

  it('give the message rate that fills the node with all subscriptions of the plan, and its number of connections', () => {
    const { nodes, servers } = planned();
    assert.deepEqual([nodes, servers], [315, 20]);
    near(capacity.deliveryShare(capacity.ceiling(nodes), nodes), 1, 1e-9, 'full');
    assert.equal(Math.floor(capacity.ceiling(nodes)), 784);
    // The measurement used this number of subscribers. The plan uses no lower costs.
    assert.ok(capacity.delivery(nodes) >= 831 && capacity.delivery(nodes, true) >= 74);
    const beside = capacity.deliveryShare(capacity.ceiling(nodes, 1 - capacity.LOAD.master), nodes);
    near(beside + capacity.LOAD.master, 1, 1e-9, 'full, decisions included');
    // Each process has one connection to each master and one subscription. With acks, it has a second connection to
    // each master.
    for (const acks of [false, true]) {
      const ends = Array.from({ length: servers }, () => nodes * (acks ? 2 : 1));
      ends[1] += nodes;
      assert.equal(
        capacity.connections(nodes, servers, acks),
        ends.reduce((sum, each) => sum + each),
      );
      assert.equal(capacity.connectionsAtOne(nodes, acks), Math.max(...ends));
      assert.ok(Math.max(...ends) < 10_000, 'maxclients');
    }
  });

  it('agree with the places of real ids', () => {
    for (const servers of [2, 3, 6, 12, 24]) {
      const users = 200_000;
      const counts = capacity.spread(servers, users);
      assert.ok(
        Math.max(...counts) <= (users / servers) * capacity.peak(servers, users) * 1.02,
        `${servers}`,
      );
    }
  });

  it('give the smallest number of servers that carries the load', () => {
    for (const rate of [1, 10_000, 123_456, 1_000_000]) {
      const servers = capacity.masters(rate);
      assert.ok(capacity.decisions(servers) >= rate && capacity.decisions(servers - 1) < rate);
    }
  });
});
