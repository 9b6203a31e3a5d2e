'use strict';
// The strategy for a token. It asks in the shortest way that says everything, because each argument costs time.

const { scopesOf } = require('../credential/claims.js');
const { AGAIN, ALLOWED } = require('../native/records.js');
const { costOf, holderOf, idempotencyKeyOf } = require('../policy/policy-quota.js');
const { NO_ID } = require('../policy/policy.js');
const { closedError, fromNative, isStoreFault } = require('../util/errors.js');
const { codeWithoutStore } = require('./outage-policy.js');
const { isTokenVerified } = require('./reasons.js');

/**
 * @typedef {import('./decision.js').RequestDecision} RequestDecision
 * @typedef {import('./decision.js').Strategy} Strategy
 */

/** @type {Strategy} */
const byToken = {
  ask(decision, subject, prior) {
    const { engine, policy, credential } = decision;
    const { quota } = policy;
    decision.follow(prior);
    const flags = decision.flags | (decision.prior === undefined ? 0 : AGAIN);
    if (policy.asksFirst) {
      const code = engine.gate.verify(credential, flags);
      if (code !== ALLOWED) return code;
    }
    decision.askLimit(subject);
    const holder = quota && holderOf(quota, subject);
    const cost = quota === undefined ? NaN : costOf(quota, subject);
    const idempotencyKey = quota && idempotencyKeyOf(quota, subject);
    // A function of the app may have closed the Auth: then nothing may be asked.
    if (engine.closed) throw closedError();
    return question(decision, flags, cost, holder, idempotencyKey);
  },

  withoutStore(decision) {
    const code = codeWithoutStore(decision, decision.flags);
    decision.degraded = code === ALLOWED;
    return code;
  },

  isVerified: (_decision, reason) => isTokenVerified(reason),

  scopes: ({ claims }) => scopesOf(claims),

  ownLimit: () => undefined,

  waitMs: (_decision, policyWaitMs) => policyWaitMs,
};

/**
 * @param {RequestDecision} decision
 * @param {number} flags
 * @param {number} cost NaN: the policy's own
 * @param {string} [holder] of the quota, if a function names it
 * @param {string} [idempotencyKey]
 * @returns {number}
 */
function question(decision, flags, cost, holder, idempotencyKey) {
  try {
    return decision.settled(put(decision, flags, cost, holder, idempotencyKey));
  } catch (error) {
    const fault = fromNative(error);
    if (isStoreFault(fault)) return decision.withoutStore();
    throw fault;
  }
}

/**
 * @param {RequestDecision} decision
 * @param {number} flags
 * @param {number} cost
 * @param {string} [holder]
 * @param {string} [idempotencyKey]
 * @returns {number}
 */
function put({ engine, policy, credential, limit }, flags, cost, holder, idempotencyKey) {
  if (policy.id === NO_ID) {
    const { gate } = engine;
    const native = policy.quota?.native;
    const scopes = [...policy.scopes];
    return gate.decideAdhoc(scopes, native, credential, flags, limit, cost, holder, idempotencyKey);
  }
  if (!policy.asksFirst) return engine.decide(policy.handle + flags, credential);
  const { decideWith, gateNumber } = engine;
  return decideWith(gateNumber, policy.id, credential, flags, limit, cost, holder, idempotencyKey);
}

exports.byToken = byToken;
