'use strict';
// How a turn is waited for and held: reads LockOptions, with the defaults that docs/turns.md gives reasons for.

const { HOUR, duration } = require('../util/duration.js');
const { flag } = require('../util/input.js');
const { known } = require('../util/names.js');

/**
 * @typedef {object} Settings
 * @property {number} ttlMs
 * @property {boolean} autoExtend
 * @property {number} maxHoldMs
 * @property {number} waitMs
 * @property {number} maxQueue
 * @property {boolean} fair
 * @property {number} retries
 * @property {AbortSignal | undefined} signal
 */

const NAMES = ['ttl', 'autoExtend', 'maxHold', 'wait', 'maxQueue', 'fair', 'retries', 'signal'];

const TTL = { fair: '3s', unfair: '100ms' };
const MAX_HOLD = '30s';
const WAIT = '5s';
const MAX_QUEUE = 200;
const RETRIES = 3;

/** A shorter lease would be over before a timer of Node can renew it. */
const HOLD_RANGE = { min: 10, max: 24 * HOUR };
const WAIT_RANGE = { min: 0, max: HOUR };
const MOST_WAITERS = 1_000_000;
const MOST_RETRIES = 1000;

/**
 * @param {unknown} options LockOptions
 * @param {(message: string) => Error} fail
 * @returns {Settings}
 */
function lockOptions(options, fail) {
  const own = known(options, NAMES, '', fail);
  const fair = flag(own.fair, 'fair', true, fail);
  const maxHoldMs = duration(own.maxHold ?? MAX_HOLD, 'maxHold', HOLD_RANGE, fail);
  const ttlMs = duration(own.ttl ?? (fair ? TTL.fair : TTL.unfair), 'ttl', HOLD_RANGE, fail);
  return Object.freeze({
    ttlMs: Math.min(ttlMs, maxHoldMs),
    autoExtend: flag(own.autoExtend, 'autoExtend', true, fail),
    maxHoldMs,
    waitMs: waitOf(own.wait, fail),
    maxQueue: count(own.maxQueue ?? MAX_QUEUE, 'maxQueue', 0, MOST_WAITERS, fail),
    fair,
    retries: count(own.retries ?? RETRIES, 'retries', 1, MOST_RETRIES, fail),
    signal: signalOf(own.signal, fail),
  });
}

/**
 * @param {unknown} value
 * @param {(message: string) => Error} fail
 * @returns {number} milliseconds
 */
function waitOf(value, fail) {
  return duration(value ?? WAIT, 'wait', WAIT_RANGE, fail);
}

/**
 * @param {unknown} value
 * @param {string} name
 * @param {number} min
 * @param {number} max
 * @param {(message: string) => Error} fail
 */
function count(value, name, min, max, fail) {
  if (Number.isInteger(value) && Number(value) >= min && Number(value) <= max) return Number(value);
  throw fail(`${name} must be an integer from ${min} to ${max}`);
}

/**
 * @param {any} value
 * @param {(message: string) => Error} fail
 * @returns {AbortSignal | undefined}
 */
function signalOf(value, fail) {
  if (value === undefined) return undefined;
  const isSignal =
    typeof value === 'object' &&
    typeof value.aborted === 'boolean' &&
    typeof value.addEventListener === 'function' &&
    typeof value.removeEventListener === 'function';
  if (!isSignal) throw fail('signal must be an AbortSignal');
  return value;
}

/** The default settings. */
const DEFAULTS = lockOptions({}, (message) => new TypeError(message));

module.exports = { DEFAULTS, lockOptions, waitOf };
