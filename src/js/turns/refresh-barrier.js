'use strict';
// Waits after a revocation until no turn of the user that was granted before it is held. Waiters for a turn keep waiting: their
// credential is checked again when their turn comes.

const { DEFAULTS } = require('../options/lock-options.js');
const { LatchgateError, isStoreFault } = require('../util/errors.js');
const { enclosing } = require('./critical-section.js');
const { KIND, place } = require('./turns.js');

/** Errors that may end the wait, in addition to a store fault. */
const OUTCOMES = ['ERR_LATCHGATE_BUSY', 'ERR_LATCHGATE_CLOSED'];

/**
 * @param {import('../runtime/native-store.js').Engine} engine
 * @param {string} userId whose credentials were revoked
 * @param {number} waitMs
 * @returns {Promise<number>} a fence above the fence of every earlier turn, and below the fence of every later turn
 */
async function barrier(engine, userId, waitMs) {
  const at = place(KIND.user, userId);
  const own = enclosing(engine, at);
  if (own !== undefined) return own.hold.fence;
  try {
    const hold = await engine.turns.enterFirst(at, { ...DEFAULTS, waitMs }).promise;
    hold.release().catch(() => {});
    return hold.fence;
  } catch (error) {
    throw afterRevocation(error);
  }
}

/** @param {unknown} error */
function afterRevocation(error) {
  const isKnown = error instanceof LatchgateError;
  if (!isKnown || !(OUTCOMES.includes(error.code) || isStoreFault(error))) return error;
  const { code, message, retryAfterMs } = error;
  const told = `the revocation stands, but a turn of the user may still be held: ${message}`;
  return new LatchgateError(code, told, retryAfterMs === undefined ? {} : { retryAfterMs });
}

exports.barrier = barrier;
