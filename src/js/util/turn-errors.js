'use strict';
// Why there is no turn, or no longer one.

const { LatchgateError } = require('./errors.js');

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

/** Why is not told, as wherever a credential is asked for again. */
function revokedError() {
  return new LatchgateError('ERR_LATCHGATE_REVOKED', 'the credential no longer stands: nothing was done');
}

module.exports = { busyError, leaseLostError, queueFullError, revokedError };
