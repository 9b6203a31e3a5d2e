'use strict';
// Checks what callers hand in: ids, instants, scopes, JSON values. Messages name the argument, never its value.

const { isAsyncFunction } = require('node:util').types;
const { inputError } = require('./errors.js');

const MAX_ID_BYTES = 512;
const MAX_LIMIT = 0xffffffff;
const MAX_INSTANT = 8.64e15; // ECMA-262, 21.4.1.1: the last instant of a Date
const MAX_DEPTH = 64;
const MAX_DEVICE_BYTES = 4096;

/** RFC 6749 section 3.3, scope-token. */
const SCOPE_TOKEN = /^[\x21\x23-\x5b\x5d-\x7e]+$/;

/** @param {string} text */
function isWellFormed(text) {
  return !/\p{Surrogate}/u.test(text);
}

/**
 * A user, session, token or issuer id: a well-formed string of 1 to 512 bytes of UTF-8.
 * @param {unknown} value
 * @param {string} name
 * @returns {string}
 */
function id(value, name) {
  if (!isId(value)) throw inputError(`${name} must be a well-formed string of 1 to ${MAX_ID_BYTES} bytes`);
  return value;
}

/**
 * @param {unknown} value
 * @returns {value is string}
 */
function isId(value) {
  const fits = typeof value === 'string' && value.length > 0 && value.length <= MAX_ID_BYTES;
  return fits && Buffer.byteLength(value) <= MAX_ID_BYTES && isWellFormed(value);
}

/**
 * @param {unknown} value
 * @param {string} name
 */
function optionalId(value, name) {
  return value === undefined ? undefined : id(value, name);
}

/**
 * @param {unknown} value
 * @param {string} name
 * @returns {string}
 */
function token(value, name) {
  if (typeof value !== 'string') throw inputError(`${name} must be a string`);
  return value;
}

/**
 * An instant in epoch milliseconds, whole ones: the fraction of an exp is rounded up. Values that can only be epoch seconds are refused: a revocation kept until 1970 keeps
 * nothing out.
 * @param {unknown} value
 * @param {string} name
 * @returns {number}
 */
function instant(value, name) {
  if (typeof value !== 'number' || !(value >= 0 && value <= MAX_INSTANT)) {
    throw inputError(`${name} must be an instant in epoch milliseconds`);
  }
  if (value >= 1e8 && value < 1e11) {
    throw inputError(`${name} looks like seconds: give epoch milliseconds (seconds * 1000)`);
  }
  return Math.ceil(value);
}

/** @param {unknown} value */
function isLimit(value) {
  return (
    Number.isInteger(value) &&
    /** @type {number} */ (value) >= 0 &&
    /** @type {number} */ (value) <= MAX_LIMIT
  );
}

/**
 * Scopes as a list without repetition: from a list, or from a string with single spaces between them.
 * @param {unknown} value
 * @param {string} name
 * @param {(message: string) => Error} fail
 * @returns {string[]}
 */
function scopes(value, name, fail) {
  // A copy without holes, which every() would skip.
  const list = typeof value === 'string' ? value.split(' ') : Array.isArray(value) ? [...value] : [];
  if (list.length === 0 || !list.every((scope) => typeof scope === 'string' && SCOPE_TOKEN.test(scope))) {
    throw fail(
      `${name} must be one or more scopes (a string with single spaces between them, or an array of strings) of ` +
        'printable ASCII without quotes and backslashes: leave it out if no scope is needed',
    );
  }
  return [...new Set(list)];
}

/**
 * A function option. The request needs its answer immediately, so an async function can only be a mistake.
 * @param {unknown} value
 * @param {string} name
 * @param {(message: string) => Error} fail
 * @returns {((...args: any[]) => unknown) | undefined}
 */
function syncFunction(value, name, fail) {
  if (value === undefined) return undefined;
  if (typeof value !== 'function') throw fail(`${name} must be a function`);
  if (isAsyncFunction(value)) throw fail(`${name} must be synchronous: use a function that is not async`);
  return (...args) => {
    const result = value(...args);
    // It will be refused for not being what was asked for; that it is rejected as well must not end the process.
    if (isThenable(result)) result.then(undefined, () => {});
    return result;
  };
}

/** @param {any} value */
function isThenable(value) {
  return (
    value !== null &&
    (typeof value === 'object' || typeof value === 'function') &&
    typeof value.then === 'function'
  );
}

/** @param {unknown} value */
function isPlainObject(value) {
  if (typeof value !== 'object' || value === null) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

/**
 * Refuses what JSON would drop or change: undefined, functions, BigInt, NaN, class instances, holes, cycles.
 * @param {unknown} value
 * @param {string} name
 * @param {(message: string) => Error} fail
 * @param {number} [depth]
 */
function jsonValue(value, name, fail, depth = 0) {
  if (depth > MAX_DEPTH) throw fail(`${name} is nested too deeply, or refers to itself`);
  if (typeof value === 'string' ? isWellFormed(value) : isScalar(value)) return;
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) jsonValue(value[i], `${name}[${i}]`, fail, depth + 1);
    return;
  }
  if (!isPlainObject(value)) throw fail(`${name} must be a JSON value`);
  for (const [key, member] of Object.entries(/** @type {object} */ (value))) {
    if (!isWellFormed(key)) throw fail(`${name} has a name that is not well-formed`);
    jsonValue(member, `${name}.${key.slice(0, 64)}`, fail, depth + 1);
  }
}

/** @param {unknown} value */
function isScalar(value) {
  return value === null || typeof value === 'boolean' || Number.isFinite(value);
}

/**
 * Device data of a session as JSON: short strings by name.
 * @param {unknown} value
 * @returns {string | undefined}
 */
function deviceJson(value) {
  if (value === undefined) return undefined;
  const valid =
    isPlainObject(value) &&
    Object.entries(/** @type {object} */ (value))
      .flat()
      .every(isText);
  const json = valid ? JSON.stringify(value) : '';
  if (!valid || Buffer.byteLength(json) > MAX_DEVICE_BYTES) {
    throw inputError(
      `device must be a plain object of strings, of at most ${MAX_DEVICE_BYTES} bytes as JSON`,
    );
  }
  return json;
}

/** @param {unknown} value */
function isText(value) {
  return typeof value === 'string' && isWellFormed(value);
}

/**
 * @param {unknown} value
 * @param {string} name
 * @param {boolean} otherwise the default
 * @param {(message: string) => Error} fail
 * @returns {boolean}
 */
function flag(value, name, otherwise, fail) {
  if (value !== undefined && typeof value !== 'boolean') throw fail(`${name} must be true or false`);
  return value ?? otherwise;
}

module.exports = {
  MAX_LIMIT,
  deviceJson,
  flag,
  id,
  instant,
  isId,
  isLimit,
  isPlainObject,
  isText,
  isThenable,
  jsonValue,
  optionalId,
  scopes,
  syncFunction,
  token,
};
