'use strict';
// Waits behind a revocation until nothing of the user's runs under a turn that was granted before it. Those who wait for a
// turn are left waiting: what they were let in with is asked for again when their turn comes.

const { DEFAULTS } = require('../options/lock-options.js');
const { LatchgateError, isStoreFault } = require('../util/errors.js');
const { enclosing } = require('./critical-section.js');
const { KIND, place } = require('./turns.js');

/** What may end the wait, beside a store that fails. */
const OUTCOMES = ['ERR_LATCHGATE_BUSY', 'ERR_LATCHGATE_CLOSED'];

/**
 * @param {import('../runtime/native-store.js').Engine} engine
 * @param {string} userId whose credentials were revoked
 * @param {number} waitMs
 * @returns {Promise<number>} a fence above that of every turn before, and below that of every turn after
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
