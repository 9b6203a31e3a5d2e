// Races for turns.
'use strict';

const assert = require('node:assert/strict');
const { unique } = require('../auths.js');
const { token } = require('../jwt.js');
const { gate } = require('../turns.js');
const { all, alone, open } = require('./crowd.js');

/** Whoever gets the turn keeps it until the race is decided. */
const AT_ONCE = { wait: 0, ttl: '30s' };

/** @param {Promise<unknown>} asked @returns {Promise<boolean>} whether the turn was had, and be it lost again */
const had = (asked) =>
  asked.then(
    () => true,
    (error) => {
      assert.match(error.code, /^ERR_LATCHGATE_(BUSY|LEASE_LOST)$/);
      return error.code === 'ERR_LATCHGATE_LEASE_LOST';
    },
  );

/** @param {boolean[]} results */
const count = (results) => results.filter(Boolean).length;

/** @param {string} store @param {number} racers */
async function takers(store, racers) {
  const auth = open(store);
  const key = unique('key');
  return { had: count(await all(racers, () => had(auth.locks.acquire(key, AT_ONCE)))) };
}

/** Each holds what it gets until all have been answered. @param {string} store @param {number} racers */
async function sections(store, racers) {
  const auth = open(store, { sessions: { admission: 'first-use' } });
  const text = token({ sub: unique(), sid: 's' });
  const answer = await alone(auth, store, () => auth.authenticate({ token: text }));
  assert.ok(answer.ok, 'let in');
  const own = answer.auth;
  const decided = gate();
  let answered = 0;
  let inside = 0;
  const note = () => {
    answered++;
    if (answered === racers) decided.open();
  };
  const work = async () => {
    inside++;
    note();
    await decided.opened;
  };
  await all(racers, async () => {
    if (!(await had(own.runExclusive(work, { ...AT_ONCE, maxQueue: racers })))) note();
  });
  return { inside };
}

const crowd = (/** @type {number} */ racers) => racers;

const RACES = [
  {
    rule: 'of parallel callers that ask for a free turn one gets it',
    racers: 100,
    arrivals: crowd,
    run: takers,
    check: (/** @type {any} */ seen) => assert.deepEqual(seen, { had: 1 }),
  },
  {
    rule: 'of parallel sections of one user that do not wait one runs',
    racers: 100,
    arrivals: crowd,
    run: sections,
    check: (/** @type {any} */ seen) => assert.deepEqual(seen, { inside: 1 }),
  },
];

module.exports = { RACES };
