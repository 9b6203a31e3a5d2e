'use strict';
// What is told of decisions: counts always, events only where somebody listens. Whoever listens changes no answer.

const { textClaim, tokenIdOf, userIdOf } = require('../credential/claims.js');
const { NONE } = require('../credential/credential.js');

/**
 * @typedef {import('./decision.js').Decision} Decision
 * @typedef {import('../runtime/native-store.js').Engine} Engine
 * @typedef {import('../http/denial.js').Answer} Answer
 */

/** Where a verdict record keeps its flags, and the one of a session that this step has admitted. */
const FLAGS = 2;
const ADMITTED = 2;
/** Where it keeps the number by which the gate tells who made room for it; 0: nobody. */
const EVICTED = 15;

/** Reasons told before a credential is known to be somebody's. */
const UNKNOWN =
  /^(?:credentials_required|header_unreadable|key_unknown|keys_unavailable|store_unavailable|token_(?!revoked).*)$/;

/**
 * @param {Decision} decision that lets through
 * @param {Float64Array} record
 * @param {number} at
 */
function reportAllowed(decision, record, at) {
  const { metrics } = decision.engine;
  if (decision.degraded) {
    metrics.degraded();
    return;
  }
  metrics.decided(0);
  if (record[at + FLAGS] & ADMITTED) reportFirstUse(decision, record[at + EVICTED]);
}

/**
 * Of a quota that lies apart the first step stands though the second denies.
 * @param {Decision} decision
 * @param {number} code
 * @param {Float64Array} record that of a decision, where the code is one's
 * @param {number} at
 */
function reportStanding(decision, code, record, at) {
  if (code !== decision.engine.codes.quotaExhausted) return;
  if (record[at + FLAGS] & ADMITTED) reportFirstUse(decision, record[at + EVICTED]);
}

/**
 * @param {Decision} decision
 * @param {number} number by which the gate tells who made room
 */
function reportFirstUse(decision, number) {
  const { engine, session } = decision;
  const { events, metrics } = engine;
  const evicted = number > 0 ? engine.gate.evicted(number) : [];
  metrics.sessionAdmitted(evicted.length);
  if (evicted.length > 0 && events.has('evicted')) {
    const { userId } = who(decision);
    for (const sessionId of evicted) events.emit({ type: 'evicted', userId, sessionId });
  }
  if (!events.has('admitted')) return;
  const { active, limit } = session ?? {};
  const { userId, sessionId } = who(decision);
  events.emit({ type: 'admitted', userId, sessionId, active, limit });
}

/**
 * @param {Engine} engine
 * @param {Answer} answer
 * @param {number} code
 * @param {Decision} [decision]
 */
function reportDenied(engine, { reason, code: public_, status }, code, decision) {
  engine.metrics.decided(code);
  if (!engine.observe) engine.telemetry?.denied();
  if (!engine.events.has('denied')) return;
  const known = decision !== undefined && !UNKNOWN.test(reason);
  engine.events.emit({ type: 'denied', code: public_, status, reason, ...(known ? who(decision) : {}) });
}

/**
 * @param {Decision} decision
 * @returns {{ userId?: string, sessionId?: string, keyId?: string }}
 */
function who(decision) {
  const { engine, claims, token, credential } = decision;
  const { ownerId, keyId } = /** @type {import('./key-decision.js').KeyDecision} */ (decision).use ?? {};
  const key = keyId === undefined ? {} : { keyId };
  if (credential === NONE) return { userId: ownerId, ...key };
  const sessionId = textClaim(claims, engine.sessionIdClaim) ?? tokenIdOf(claims, token);
  return { userId: userIdOf(claims, engine), sessionId, ...key };
}

module.exports = { reportAllowed, reportDenied, reportStanding };
