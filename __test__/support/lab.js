// What only the test build of the addon offers: a clock that stands where it is put, and a dump of the store.
'use strict';

const binding = /** @type {any} */ (require('../../src/js/binding.js'));
const { RECORD } = require('../../src/js/native/records.js');

/** An instant in the middle of a second, so that rounding to seconds shows. */
const START = Date.UTC(2030, 0, 1) + 500;

const SECOND = 1000;
const MINUTE = 60_000;
const HOUR = 3_600_000;
const DAY = 24 * HOUR;

let now = START;

/** Milliseconds since the epoch, as the store and the verifier see them. */
const clock = {
  now: () => now,
  /** @param {number} ms */
  set(ms) {
    now = ms;
    binding.setTestClock(ms);
  },
  /** @param {number} ms back where negative */
  advance(ms) {
    clock.set(now + ms);
  },
  /** Back to the machine's. */
  release() {
    binding.setTestClock(null);
  },
};

/** A gate beside the Auth's own, on the same named store: it dumps and sweeps, and decides nothing. @param {string} store */
function backdoor(store) {
  const config = {
    store,
    prefix: 'lg',
    commandTimeoutMs: 1000,
    connectTimeoutMs: 1000,
    acks: 0,
    keys: [],
    keySet: false,
    fetchedKeys: false,
    issuers: [],
    audiences: [],
    requiredClaims: [],
    userIdClaim: 'sub',
    sessionIdClaim: 'sid',
    clockToleranceMs: 0,
    issuerLeadMs: Number.NaN,
    maxAgeMs: DAY,
    accessTtlMs: MINUTE,
    sessionMode: 0,
    limit: Number.NaN,
    hardLimit: 10_000,
    evictOldest: false,
    idleMs: MINUTE,
    absoluteMs: HOUR,
  };
  const gate = new binding.Gate(
    config,
    new Float64Array(new SharedArrayBuffer((RECORD * 64 + 1) * 8)),
    () => {},
  );
  return {
    /** @returns {string} all that stands in the store; equal for stores that answer equal */
    dump: () => gate.dump(),
    /** @returns {number} how many records went */
    sweep: () => gate.sweep(),
  };
}

module.exports = {
  DAY,
  HOUR,
  MINUTE,
  SECOND,
  START,
  backdoor,
  clock,
  panicForTest: () => binding.panicForTest(),
};
