'use strict';
// The `sessions` option, and the same settings where sessions.admit() takes them.

const { YEAR, duration } = require('../util/duration.js');
const { env } = require('../util/env.js');
const { configError } = require('../util/errors.js');
const { MAX_LIMIT, isLimit, syncFunction } = require('../util/input.js');
const { known } = require('../util/names.js');

/** @typedef {(claims: import('../../../index.js').Claims, req: any) => unknown} LimitFunction */

const NAMES = ['limit', 'hardLimit', 'onLimit', 'idleTimeout', 'absoluteTimeout', 'admission'];

/** Most live sessions of a user where `hardLimit` does not say so. */
const HARD_LIMIT = 10_000;
const ADMISSIONS = ['explicit', 'first-use'];

/** How the addon counts the admission modes; 0: only the tokens of login() are session-checked. */
const MODE = { loginOnly: 0, explicit: 1, firstUse: 2 };

/**
 * @param {unknown} options
 * @param {'explicit' | 'first-use'} usual the default admission
 */
function sessionOptions(options, usual) {
  const sessions = known(options ?? {}, NAMES, 'sessions', configError);
  const limit = sessions.limit ?? environmentLimit();
  const admission = sessions.admission ?? usual;
  if (!ADMISSIONS.includes(admission))
    throw configError("sessions.admission must be 'explicit' or 'first-use'");
  const wanted = admission === 'explicit' ? MODE.explicit : MODE.firstUse;
  return {
    // createAuth() checks sessions only with the option; authMiddleware() also if the environment sets a limit.
    sessionMode:
      options === undefined && (limit === undefined || usual === 'explicit') ? MODE.loginOnly : wanted,
    limit: typeof limit === 'function' ? NaN : limitNumber(limit, 'sessions.limit', configError),
    limitFunction: /** @type {LimitFunction | undefined} */ (
      typeof limit === 'function' ? syncFunction(limit, 'sessions.limit', configError) : undefined
    ),
    hardLimit: hardLimit(sessions.hardLimit),
    evictOldest: evictOldest(sessions.onLimit, 'sessions.onLimit', configError) ?? false,
    idleMs: timeout(sessions.idleTimeout, 'sessions.idleTimeout', configError) ?? 30 * 60_000,
    absoluteMs: timeout(sessions.absoluteTimeout, 'sessions.absoluteTimeout', configError) ?? 12 * 3_600_000,
  };
}

/** @param {unknown} value */
function hardLimit(value = HARD_LIMIT) {
  if (!isLimit(value) || value === 0)
    throw configError(`sessions.hardLimit must be an integer from 1 to ${MAX_LIMIT}`);
  return /** @type {number} */ (value);
}

/** @returns {number | undefined} */
function environmentLimit() {
  const text = env('LATCHGATE_SESSION_LIMIT');
  if (text === undefined) return undefined;
  const limit = /^\d{1,10}$/.test(text) ? Number(text) : NaN;
  if (!isLimit(limit)) throw configError(`LATCHGATE_SESSION_LIMIT must be an integer from 0 to ${MAX_LIMIT}`);
  return limit;
}

/**
 * @param {unknown} value
 * @param {string} name
 * @param {(message: string) => Error} fail
 * @returns {number} NaN for no limit
 */
function limitNumber(value, name, fail) {
  if (value === undefined) return NaN;
  if (!isLimit(value))
    throw fail(`${name} must be an integer from 0 to ${MAX_LIMIT}: leave it out for no limit`);
  return /** @type {number} */ (value);
}

/**
 * @param {unknown} value
 * @param {string} name
 * @param {(message: string) => Error} fail
 */
function evictOldest(value, name, fail) {
  if (value === undefined) return undefined;
  if (value !== 'reject' && value !== 'evict-oldest')
    throw fail(`${name} must be 'reject' or 'evict-oldest'`);
  return value === 'evict-oldest';
}

/**
 * @param {unknown} value
 * @param {string} name
 * @param {(message: string) => Error} fail
 */
function timeout(value, name, fail) {
  return value === undefined ? undefined : duration(value, name, { min: 1, max: 10 * YEAR }, fail);
}

module.exports = { MODE, evictOldest, limitNumber, sessionOptions, timeout };
