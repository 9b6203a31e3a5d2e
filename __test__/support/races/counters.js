// Races for counters, and for keys of once().
'use strict';

const assert = require('node:assert/strict');
const { unique } = require('../auths.js');
const { token } = require('../jwt.js');
const { all, alone, around, open } = require('./crowd.js');

const MOST = 5;
const ONE = [{ name: 'c', delta: 1 }];

/** How many are true of something. @template T @param {T[]} list @param {(each: T) => boolean} test */
const count = (list, test) => list.filter(test).length;

/** Up and down by turns. @param {string} store @param {number} racers */
async function bounded(store, racers) {
  const auth = open(store);
  const user = unique();
  const results = await all(racers, async (index) => {
    const delta = index % 2 === 0 ? 1 : -1;
    const { applied, value } = await auth.counters.add(user, 'c', delta, { min: 0, max: MOST });
    return { change: applied ? delta : 0, value };
  });
  const value = await alone(auth, store, () => auth.counters.get(user, 'c'));
  return {
    unaccounted: value - results.reduce((sum, { change }) => sum + change, 0),
    outside: count([...results, { value }], (seen) => seen.value < 0 || seen.value > MOST),
  };
}

/** @param {string} store @param {number} racers */
async function ceiling(store, racers) {
  const auth = open(store);
  const user = unique();
  const results = await all(racers, () => auth.counters.add(user, 'c', 1, { max: MOST }));
  const value = await alone(auth, store, () => auth.counters.get(user, 'c'));
  return { applied: count(results, ({ applied }) => applied), value };
}

/** @param {string} store @param {number} racers */
async function transfers(store, racers) {
  const auth = open(store);
  const user = unique();
  await alone(auth, store, () => auth.counters.add(user, 'from', MOST));
  const move = [
    { name: 'from', delta: -1, min: 0 },
    { name: 'to', delta: 1 },
  ];
  const results = await all(racers, () => auth.counters.apply(user, move));
  const look = move.map((change) => ({ ...change, delta: 0 }));
  const { values } = await alone(auth, store, () => auth.counters.apply(user, look));
  return { applied: count(results, ({ applied }) => applied), values };
}

/** @param {string} store @param {number} racers */
async function sameKey(store, racers) {
  const auth = open(store);
  const user = unique();
  const results = await all(racers, () => auth.counters.add(user, 'c', 1, { idempotencyKey: 'k' }));
  const value = await alone(auth, store, () => auth.counters.get(user, 'c'));
  return { first: count(results, ({ replayed }) => replayed !== true), value };
}

/** @param {string} store @param {number} racers */
async function takers(store, racers) {
  const auth = open(store);
  const key = unique('key');
  const taken = await all(racers, (index) => auth.once(key, { by: `${index}` }));
  const again = await all(racers, (index) => auth.once(key, { by: `${index}` }));
  return { taken: count(taken, Boolean), same: taken.every((each, index) => each === again[index]) };
}

/** Changes with a credential, a revocation among them, and as many changes again. @param {string} store @param {number} racers */
async function revoked(store, racers) {
  const auth = open(store, { sessions: { admission: 'first-use' } });
  const user = unique();
  const text = token({ sub: user, sid: 's' });
  const answer = await alone(auth, store, () => auth.authenticate({ token: text }));
  assert.ok(answer.ok, 'let in');
  const own = answer.auth;
  const change = () =>
    auth.counters.apply(user, ONE, { auth: own }).then(
      ({ applied }) => applied,
      (error) => {
        assert.ok(error.code === 'ERR_LATCHGATE_REVOKED', error);
        return false;
      },
    );
  const { results } = await around(racers, change, () => auth.tokens.revokeUser(user));
  // One operation more, so that a store that waits for as many as in the first wave need not wait.
  const again = all(racers, change);
  const [late] = await Promise.all([again, auth.ready()]);
  const value = await alone(auth, store, () => auth.counters.get(user, 'c'));
  return { late: count(late, Boolean), unaccounted: value - count(results, Boolean) };
}

const crowd = (/** @type {number} */ racers) => racers;

const RACES = [
  {
    rule: 'of parallel additions and subtractions each counts, and none leaves the bounds',
    racers: 200,
    arrivals: crowd,
    run: bounded,
    check: (/** @type {any} */ seen) => assert.deepEqual(seen, { unaccounted: 0, outside: 0 }),
  },
  {
    rule: 'parallel additions reach the bound exactly',
    racers: 200,
    arrivals: crowd,
    run: ceiling,
    check: (/** @type {any} */ seen) => assert.deepEqual(seen, { applied: MOST, value: MOST }),
  },
  {
    rule: 'parallel transfers between two counters move what is there, and no more',
    racers: 200,
    arrivals: crowd,
    run: transfers,
    check: (/** @type {any} */ seen) =>
      assert.deepEqual(seen, { applied: MOST, values: { from: 0, to: MOST } }),
  },
  {
    rule: 'parallel additions under one idempotency key are made once',
    racers: 100,
    arrivals: crowd,
    run: sameKey,
    check: (/** @type {any} */ seen) => assert.deepEqual(seen, { first: 1, value: 1 }),
  },
  {
    rule: 'of parallel callers of once() one gets the key, and keeps it',
    racers: 200,
    arrivals: crowd,
    run: takers,
    check: (/** @type {any} */ seen) => assert.deepEqual(seen, { taken: 1, same: true }),
  },
  {
    rule: 'no change with a credential is made after its revocation has resolved, and all before it are kept',
    racers: 100,
    arrivals: (/** @type {number} */ racers) => racers + 1,
    run: revoked,
    check: (/** @type {any} */ seen) => assert.deepEqual(seen, { late: 0, unaccounted: 0 }),
  },
];

module.exports = { RACES };
