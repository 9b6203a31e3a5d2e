'use strict';
// A quota's rule, as quotas.consume() takes it and as a policy names it.

const { YEAR, duration } = require('../util/duration.js');

const RULE_NAMES = ['limit', 'window', 'algorithm'];
const ALGORITHMS = ['balance', 'window', 'bucket'];

/** The largest number that JSON transports exactly: RFC 8259 section 6. */
const MAX_UNITS = Number.MAX_SAFE_INTEGER;

/**
 * @param {unknown} value
 * @param {number} least
 * @returns {value is number}
 */
function isUnits(value, least) {
  return Number.isSafeInteger(value) && /** @type {number} */ (value) >= least;
}

/**
 * @param {Record<string, any>} rule whose names are known
 * @param {string} path for messages
 * @param {(message: string) => Error} fail
 * @returns {{ limit: number, windowMs: number, bucket: boolean }} windowMs: NaN for a balance
 */
function quotaRule({ limit, window, algorithm = window === undefined ? 'balance' : 'window' }, path, fail) {
  if (!isUnits(limit, 1)) throw fail(`${path}.limit must be an integer from 1 to ${MAX_UNITS}`);
  if (!ALGORITHMS.includes(algorithm))
    throw fail(`${path}.algorithm must be 'balance', 'window' or 'bucket'`);
  if (algorithm === 'balance') {
    if (window !== undefined)
      throw fail(`${path}.window must be left out of a 'balance', which never refills`);
    return { limit, windowMs: NaN, bucket: false };
  }
  if (window === undefined)
    throw fail(`${path}.window is required where ${path}.algorithm is '${algorithm}'`);
  const windowMs = duration(window, `${path}.window`, { min: 1, max: 10 * YEAR }, fail);
  const bucket = algorithm === 'bucket';
  // A unit comes back after a whole microsecond at the earliest.
  if (bucket && limit > windowMs * 1000)
    throw fail(`${path}.limit of a 'bucket' must not exceed ${path}.window in microseconds`);
  return { limit, windowMs, bucket };
}

/**
 * @param {unknown} value
 * @param {string} name
 * @param {(message: string) => Error} fail
 * @param {number} [least]
 * @returns {number}
 */
function units(value, name, fail, least = 0) {
  if (!isUnits(value, least)) throw fail(`${name} must be an integer from ${least} to ${MAX_UNITS}`);
  return value;
}

module.exports = { MAX_UNITS, RULE_NAMES, isUnits, quotaRule, units };
