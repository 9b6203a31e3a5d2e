'use strict';
// The one error class of the package, and the way from native errors to it. Denials are values and never pass here.

const { isNativeError } = require('node:util').types;

/** Status that an error handler should answer with, by code. */
const STATUS = new Map([
  ['ERR_LATCHGATE_CONFIG', 500],
  ['ERR_LATCHGATE_INPUT', 500],
  ['ERR_LATCHGATE_LEASE_LOST', 500],
  ['ERR_LATCHGATE_STORE_UNAVAILABLE', 503],
  ['ERR_LATCHGATE_STORE_TIMEOUT', 503],
  ['ERR_LATCHGATE_CLOSED', 503],
  ['ERR_LATCHGATE_BUSY', 429],
  ['ERR_LATCHGATE_QUEUE_FULL', 429],
  ['ERR_LATCHGATE_REVOKED', 401],
]);

/** After these it is worth asking again. */
const PASSING = ['ERR_LATCHGATE_STORE_UNAVAILABLE', 'ERR_LATCHGATE_STORE_TIMEOUT'];

/** A fault: bad input or configuration, a store that cannot answer, a closed Auth. */
class LatchgateError extends Error {
  /**
   * @param {string} code
   * @param {string} message
   * @param {{ retryAfterMs?: number, cause?: unknown }} [details]
   */
  constructor(code, message, details = {}) {
    super(message, 'cause' in details ? { cause: details.cause } : undefined);
    this.code = code;
    this.status = STATUS.get(code) ?? 500;
    if (details.retryAfterMs !== undefined) this.retryAfterMs = details.retryAfterMs;
  }

  get name() {
    return 'LatchgateError';
  }
}

/**
 * @param {string} message names the option and the cure, never a value
 * @param {unknown} [cause]
 */
function configError(message, cause) {
  return new LatchgateError('ERR_LATCHGATE_CONFIG', message, cause === undefined ? {} : { cause });
}

/**
 * @param {string} message names the argument and what is expected, never a value
 * @param {unknown} [cause]
 */
function inputError(message, cause) {
  return new LatchgateError('ERR_LATCHGATE_INPUT', message, cause === undefined ? {} : { cause });
}

function closedError() {
  return new LatchgateError('ERR_LATCHGATE_CLOSED', 'this Auth is closed: create another with createAuth()');
}

/**
 * A coded error of the addon becomes a LatchgateError; everything else stays what it is.
 * @param {unknown} error
 */
function fromNative(error) {
  if (!isError(error) || error instanceof LatchgateError) return error;
  const code = codeOf(error);
  if (typeof code !== 'string' || !STATUS.has(code)) return error;
  return PASSING.includes(code) ? storeError(code, error.message) : new LatchgateError(code, error.message);
}

/**
 * @param {unknown} error
 * @returns {boolean} whether the store could not answer, or not in time
 */
function isStoreFault(error) {
  return error instanceof LatchgateError && PASSING.includes(error.code);
}

/**
 * Errors of the app pass here too, and a getter of such an error may throw.
 * @param {Error & { code?: unknown }} error
 */
function codeOf(error) {
  try {
    return error.code;
  } catch {
    return undefined;
  }
}

/**
 * @param {string} code
 * @param {string} message
 */
function storeError(code, message) {
  return new LatchgateError(code, message, { retryAfterMs: 1000 });
}

/**
 * Test runners load modules into contexts of their own, where an Error of Node is no instance of Error.
 * @param {unknown} value
 * @returns {value is Error & { code?: unknown }}
 */
function isError(value) {
  return isNativeError(value) || value instanceof Error;
}

/**
 * Returns an Error for next(), always. next(undefined) would let the request pass, and next('route') would skip the guards
 * behind it. The app can throw either.
 * @param {unknown} error
 * @returns {Error}
 */
function asError(error) {
  const fault = fromNative(error);
  if (isError(fault)) return fault;
  return new LatchgateError('ERR_LATCHGATE_INPUT', 'a function option threw something that is not an Error', {
    cause: fault,
  });
}

/**
 * @param {unknown} fault possibly of the app, with any code, or with a code that throws on access
 * @returns {string} a code of latchgate, or 'other'
 */
function knownCode(fault) {
  return fault instanceof LatchgateError && STATUS.has(fault.code) ? fault.code : 'other';
}

/**
 * @param {string} why
 * @param {number} [retryAfterMs] until a turn may be free
 */
function busyError(why, retryAfterMs = 1000) {
  return new LatchgateError('ERR_LATCHGATE_BUSY', why, {
    retryAfterMs: Math.max(Math.ceil(retryAfterMs), 1),
  });
}

/** @param {number} maxQueue */
function queueFullError(maxQueue) {
  return new LatchgateError('ERR_LATCHGATE_QUEUE_FULL', `${maxQueue} wait for this turn already: maxQueue`, {
    retryAfterMs: 1000,
  });
}

/** @param {string} why */
function leaseLostError(why) {
  return new LatchgateError('ERR_LATCHGATE_LEASE_LOST', `the lease was lost: ${why}`);
}

/** The message does not give the reason: no later check of a credential does. */
function revokedError() {
  return new LatchgateError('ERR_LATCHGATE_REVOKED', 'the credential is no longer valid: nothing was done');
}

exports.LatchgateError = LatchgateError;
exports.codes = Object.freeze([...STATUS.keys()]);
exports.asError = asError;
exports.busyError = busyError;
exports.closedError = closedError;
exports.configError = configError;
exports.fromNative = fromNative;
exports.inputError = inputError;
exports.isError = isError;
exports.isStoreFault = isStoreFault;
exports.knownCode = knownCode;
exports.leaseLostError = leaseLostError;
exports.queueFullError = queueFullError;
exports.revokedError = revokedError;
exports.storeError = storeError;
