'use strict';
// Reports decisions: counts always, events only to listeners. A listener changes no answer.

const { textClaim, tokenIdOf, userIdOf } = require('../credential/claims.js');
const { NONE } = require('../credential/credential.js');
const { ADMITTED, ALLOWED, EVICTED, FLAGS } = require('../native/records.js');
const { isUserKnown } = require('./reasons.js');

/**
 * @typedef {import('./decision.js').RequestDecision} RequestDecision
 * @typedef {import('../runtime/native-store.js').Engine} Engine
 * @typedef {import('../http/denial.js').Answer} Answer
 */

/**
 * @param {RequestDecision} decision that allows
 * @param {Float64Array} record
 * @param {number} at
 */
function reportAllowed(decision, record, at) {
  const { metrics } = decision.engine;
  if (decision.degraded) {
    metrics.degraded();
    return;
  }
  metrics.decided(ALLOWED);
  if (record[at + FLAGS] & ADMITTED) reportFirstUse(decision, record[at + EVICTED]);
}

/**
 * Reports the first step of a decision with a separate quota, which stays although the second step denies.
 * @param {RequestDecision} decision
 * @param {number} code
 * @param {Float64Array} record of the decision that has the code
 * @param {number} at
 */
function reportStanding(decision, code, record, at) {
  if (code !== decision.engine.codes.quotaExhausted) return;
  if (record[at + FLAGS] & ADMITTED) reportFirstUse(decision, record[at + EVICTED]);
}

/**
 * @param {RequestDecision} decision
 * @param {number} number under which the gate keeps the evicted sessions
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
 * @param {RequestDecision} [decision]
 */
function reportDenied(engine, { reason, code: public_, status }, code, decision) {
  engine.metrics.decided(code);
  if (!engine.observe) engine.telemetry?.denied();
  if (!engine.events.has('denied')) return;
  const known = decision !== undefined && isUserKnown(reason);
  engine.events.emit({ type: 'denied', code: public_, status, reason, ...(known ? who(decision) : {}) });
}

/**
 * @param {RequestDecision} decision
 * @returns {{ userId?: string, sessionId?: string, keyId?: string }}
 */
function who(decision) {
  const { engine, claims, token, credential } = decision;
  const { ownerId, keyId } = decision.use ?? {};
  const key = keyId === undefined ? {} : { keyId };
  if (credential === NONE) return { userId: ownerId, ...key };
  const sessionId = textClaim(claims, engine.sessionIdClaim) ?? tokenIdOf(claims, token);
  return { userId: userIdOf(claims, engine), sessionId, ...key };
}

module.exports = { reportAllowed, reportDenied, reportStanding };
