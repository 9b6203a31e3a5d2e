'use strict';
// A quota's rule, as quotas.consume() takes it and as a policy names it.

const { YEAR, duration } = require('./duration.js');
const { unbuiltError } = require('./errors.js');

const RULE_NAMES = ['limit', 'window', 'algorithm'];
const ALGORITHMS = ['balance', 'window'];

/** What may be counted exactly: RFC 8259 section 6. */
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
 * @returns {{ limit: number, windowMs: number }} windowMs: NaN for a balance
 */
function quotaRule({ limit, window, algorithm = window === undefined ? 'balance' : 'window' }, path, fail) {
  if (!isUnits(limit, 1)) throw fail(`${path}.limit must be an integer from 1 to ${MAX_UNITS}`);
  if (algorithm === 'bucket') throw unbuiltError(`${path}.algorithm 'bucket'`);
  if (!ALGORITHMS.includes(algorithm)) throw fail(`${path}.algorithm must be 'balance' or 'window'`);
  if (algorithm === 'balance') {
    if (window !== undefined)
      throw fail(`${path}.window must be left out of a 'balance', which never refills`);
    return { limit, windowMs: NaN };
  }
  if (window === undefined) throw fail(`${path}.window is required where ${path}.algorithm is 'window'`);
  return { limit, windowMs: duration(window, `${path}.window`, { min: 1, max: 10 * YEAR }, fail) };
}

/**
 * @param {unknown} value
 * @param {string} name
 * @param {(message: string) => Error} fail
 * @returns {number}
 */
function units(value, name, fail) {
  if (!isUnits(value, 0)) throw fail(`${name} must be an integer from 0 to ${MAX_UNITS}`);
  return value;
}

module.exports = { MAX_UNITS, RULE_NAMES, isUnits, quotaRule, units };
