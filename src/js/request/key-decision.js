'use strict';
// One request with an API key, alone or beside a token, put before the gate under one policy.

const { scopesOf } = require('../credential/claims.js');
const { NONE } = require('../credential/credential.js');
const { withLimits } = require('../http/denial.js');
const { policyItem, rateLimit } = require('../http/rate-limit.js');
const { OWN, costOf, holderOf, idempotencyKeyOf } = require('../policy/policy-quota.js');
const { NO_ID } = require('../policy/policy.js');
const { closedError, fromNative, isStoreFault } = require('../util/errors.js');
const { Decision } = require('./decision.js');

const ALLOWED = 0;
/** Where a verdict record keeps what. */
const CODE = 1;
const RETRY_AFTER = 13;

/** Flag of a question. */
const BARE = 1;
/** Reasons told of a key that is nobody's, or does not stand. */
const UNVERIFIED = /^(?:key_|store_unavailable$)/;
const NO_CLAIMS = Object.freeze({});

/**
 * @typedef {import('../binding.js').NativeKeyUse} NativeKeyUse
 * @typedef {import('../http/rate-limit.js').RateLimit} RateLimit
 */

class KeyDecision extends Decision {
  #key = '';

  /**
   * @param {import('../runtime/native-store.js').Engine} engine
   * @param {import('../policy/policy.js').Compiled} policy
   * @param {boolean} bare the credential beside the key is a token, not a header
   */
  constructor(engine, policy, bare) {
    super(engine, policy, bare);
    /** @type {NativeKeyUse | undefined} */
    this.use = undefined;
    /** The decision that has looked at a token before, where none came to this one. @type {Decision | undefined} */
    this.earlier = undefined;
  }

  get key() {
    return this.#key;
  }

  /** @param {string} reason */
  isVerified(reason) {
    return this.use?.verified === true && super.isVerified(reason) && !UNVERIFIED.test(reason);
  }

  get claims() {
    return this.credential === NONE ? NO_CLAIMS : super.claims;
  }

  /** @returns {Decision | undefined} */
  get ofToken() {
    return this.credential === NONE ? this.earlier : this;
  }

  /** Beside a token, those that both have. Frozen: guards ask the same list that handlers see. */
  get scopes() {
    const own = this.use?.scopes ?? [];
    if (this.credential === NONE) return Object.freeze(own);
    const granted = scopesOf(this.claims);
    return Object.freeze(own.filter((scope) => granted.includes(scope)));
  }

  /**
   * @param {string} key
   * @param {string} credential the header or token beside it; NONE where there is none
   * @param {unknown} subject what function options are given
   * @param {Decision | undefined} prior this Auth's decision on the same request: what it touched and charged is left alone
   * @returns {number} reason code, or a negative ticket
   */
  askKey(key, credential, subject, prior) {
    const { engine, policy } = this;
    this.#key = key;
    this.credential = credential;
    if (credential !== NONE) {
      const code = this.#putToken(subject, prior);
      if (code !== ALLOWED) return code;
    }
    this.earlier = this.credential === NONE ? prior?.ofToken : undefined;
    const { quota } = policy;
    const cost = quota === undefined ? NaN : costOf(quota, subject);
    const isCharged = prior?.chargedKey === key;
    // Who only looked has charged nothing.
    this.chargedKey = isCharged || (Number.isNaN(cost) ? quota?.native.cost : cost) !== 0 ? key : '';
    const asked = {
      __proto__: null,
      key,
      limit: this.limit,
      cost,
      named: quota && holderOf(quota, subject),
      idempotencyKey: quota && idempotencyKeyOf(quota, subject),
      touch: this.prior === undefined,
      chargeOwn: !isCharged,
    };
    // User code may have closed the Auth meanwhile: nothing may be asked of it any more.
    if (engine.closed) throw closedError();
    return this.#put(asked);
  }

  /**
   * The token beside the key. Another scheme in its header is no token.
   * @param {unknown} subject
   * @param {Decision | undefined} prior
   */
  #putToken(subject, prior) {
    const { engine } = this;
    const code = engine.gate.verify(this.credential, this.bare ? BARE : 0);
    if (code === engine.codes.noCredentials) {
      this.credential = NONE;
      return ALLOWED;
    }
    if (code !== ALLOWED) return code;
    this.follow(prior);
    this.askLimit(subject);
    return ALLOWED;
  }

  /** @param {import('../binding.js').KeyAsk} asked */
  #put(asked) {
    const { engine, policy, bare } = this;
    const { gate } = engine;
    const credential = this.credential === NONE ? undefined : this.credential;
    let answer;
    try {
      answer =
        policy.id === NO_ID
          ? gate.useKeyAdhoc([...policy.scopes], policy.quota?.native, asked, credential, bare)
          : gate.useKey(policy.id, asked, credential, bare);
    } catch (error) {
      const fault = fromNative(error);
      if (isStoreFault(fault)) return this.withoutStore();
      throw fault;
    }
    return typeof answer === 'number' ? answer : this.answered(answer);
  }

  /**
   * @param {import('../binding.js').Outcome} outcome whose numbers lie in the first verdict record
   * @returns {number} reason code
   */
  answered({ keyUse }) {
    this.use = keyUse;
    return this.engine.verdict[CODE];
  }

  /** A key is never let through unasked. */
  withoutStore() {
    return this.engine.codes.storeUnavailable;
  }

  /**
   * @param {Float64Array} record
   * @param {number} at
   * @returns {RateLimit[]} what headers say of the quotas that were looked at
   */
  rateLimits(record, at) {
    const limits = super.rateLimits(record, at);
    const own = this.#ownLimit();
    return own === undefined ? limits : [...limits, own];
  }

  #ownLimit() {
    const { own, ownWindowMs = NaN, ownUntilMs = NaN } = this.use ?? {};
    if (own === undefined) return undefined;
    const native = { name: OWN, limit: own.limit, windowMs: ownWindowMs };
    return rateLimit({ native, item: policyItem(native) }, own.remaining, ownUntilMs);
  }

  /**
   * @param {number} code
   * @param {Float64Array} record
   * @param {number} at
   * @returns {import('../http/denial.js').Answer}
   */
  refusal(code, record, at) {
    const answer = super.refusal(code, record, at);
    if (code !== this.engine.codes.quotaExhausted) return answer;
    const waits = [];
    if (this.use?.own?.allowed === false) waits.push(this.use.ownUntilMs ?? NaN);
    if (this.use?.quotaAllowed === false) waits.push(record[at + RETRY_AFTER]);
    // With both spent it is worth asking when both are back; where one never is, never.
    return withLimits(answer, this.rateLimits(record, at), Math.max(...waits));
  }
}

exports.KeyDecision = KeyDecision;
