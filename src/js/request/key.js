'use strict';
// The strategy for an API key, alone or with a token. The addon answers with an object, because the answer describes the key.

const { scopesOf } = require('../credential/claims.js');
const { NONE } = require('../credential/credential.js');
const { policyItem, rateLimit } = require('../http/rate-limit.js');
const { ALLOWED, CODE } = require('../native/records.js');
const { OWN, costOf, holderOf, idempotencyKeyOf } = require('../policy/policy-quota.js');
const { NO_ID } = require('../policy/policy.js');
const { closedError, fromNative, isStoreFault } = require('../util/errors.js');
const { isKeyVerified, isTokenVerified } = require('./reasons.js');

/**
 * @typedef {import('./decision.js').RequestDecision} RequestDecision
 * @typedef {import('./decision.js').Strategy} Strategy
 */

/** @type {Strategy} */
const byKey = {
  ask(decision, subject, prior) {
    const { engine, policy, key = '' } = decision;
    if (decision.credential !== NONE) {
      const code = putToken(decision, subject, prior);
      if (code !== ALLOWED) return code;
    }
    decision.earlier = decision.credential === NONE ? prior?.ofToken : undefined;
    const { quota } = policy;
    const cost = quota === undefined ? NaN : costOf(quota, subject);
    const isCharged = prior?.chargedKey === key;
    // A check without a cost has charged nothing.
    decision.chargedKey = isCharged || (Number.isNaN(cost) ? quota?.native.cost : cost) !== 0 ? key : '';
    const asked = {
      __proto__: null,
      key,
      limit: decision.limit,
      cost,
      named: quota && holderOf(quota, subject),
      idempotencyKey: quota && idempotencyKeyOf(quota, subject),
      touch: decision.prior === undefined,
      chargeOwn: !isCharged,
    };
    // A function of the app may have closed the Auth: then nothing may be asked.
    if (engine.closed) throw closedError();
    return put(decision, asked);
  },

  /** A request with a key never passes without the store. */
  withoutStore: ({ engine }) => engine.codes.storeUnavailable,

  isVerified: ({ use }, reason) => use?.verified === true && isTokenVerified(reason) && isKeyVerified(reason),

  /** With a token, the scopes that both have. Frozen: guards check the same list that handlers see. */
  scopes({ use, credential, claims }) {
    const own = use?.scopes ?? [];
    if (credential === NONE) return Object.freeze(own);
    const granted = scopesOf(claims);
    return Object.freeze(own.filter((scope) => granted.includes(scope)));
  },

  ownLimit({ use }) {
    const { own, ownWindowMs = NaN, ownUntilMs = NaN } = use ?? {};
    if (own === undefined) return undefined;
    const native = { name: OWN, limit: own.limit, windowMs: ownWindowMs };
    return rateLimit({ native, item: policyItem(native) }, own.remaining, ownUntilMs);
  },

  /** If both quotas are exhausted, a retry may succeed when both are back. NaN if one never is. */
  waitMs({ use }, policyWaitMs) {
    const waits = [];
    if (use?.own?.allowed === false) waits.push(use.ownUntilMs ?? NaN);
    if (use?.quotaAllowed === false) waits.push(policyWaitMs);
    return Math.max(...waits);
  },
};

/**
 * Verifies the token that came with the key. Another scheme in its header is no token.
 * @param {RequestDecision} decision
 * @param {unknown} subject
 * @param {RequestDecision | undefined} prior
 */
function putToken(decision, subject, prior) {
  const { engine } = decision;
  const code = engine.gate.verify(decision.credential, decision.flags);
  if (code === engine.codes.noCredentials) {
    decision.credential = NONE;
    return ALLOWED;
  }
  if (code !== ALLOWED) return code;
  decision.follow(prior);
  decision.askLimit(subject);
  return ALLOWED;
}

/**
 * @param {RequestDecision} decision
 * @param {import('../binding.js').KeyAsk} asked
 */
function put(decision, asked) {
  const { engine, policy, bare } = decision;
  const { gate } = engine;
  const credential = decision.credential === NONE ? undefined : decision.credential;
  let answer;
  try {
    answer =
      policy.id === NO_ID
        ? gate.useKeyAdhoc([...policy.scopes], policy.quota?.native, asked, credential, bare)
        : gate.useKey(policy.id, asked, credential, bare);
  } catch (error) {
    const fault = fromNative(error);
    if (isStoreFault(fault)) return decision.withoutStore();
    throw fault;
  }
  return typeof answer === 'number' ? answer : keyAnswered(decision, answer);
}

/**
 * @param {RequestDecision} decision
 * @param {import('../binding.js').Outcome} outcome its numbers are in the first verdict record
 * @returns {number} reason code
 */
function keyAnswered(decision, { keyUse }) {
  decision.use = keyUse;
  return decision.engine.verdict[CODE];
}

module.exports = { byKey, keyAnswered };
