'use strict';
// One credential put before the gate under one policy, and what came out. It outlives the call as the state behind req.auth.

const { decodeClaims, scopesOf } = require('../credential/claims.js');
const { withLimits } = require('../http/denial.js');
const { rateLimit } = require('../http/rate-limit.js');
const { costOf, holderOf, idempotencyKeyOf } = require('../policy/policy-quota.js');
const { NO_ID } = require('../policy/policy.js');
const { closedError, fromNative, inputError, isStoreFault } = require('../util/errors.js');
const { isLimit } = require('../util/input.js');
const { codeWithoutStore } = require('./outage-policy.js');

/** Flags of a question. */
const BARE = 1;
const AGAIN = 2;

/** Where a verdict record keeps what, and the flags in it. */
const FLAGS = 2;
const ACTIVE = 3;
const LIMIT = 4;
const CREATED = 5;
const LAST_ACTIVE = 6;
const PREVIOUS_ACTIVE = 7;
const QUOTA_LIMIT = 10;
const REMAINING = 11;
const RESET_AT = 12;
const RETRY_AFTER = 13;
const CHARGE = 14;
const SESSION_CHECKED = 1;
const SESSION_IS_TOKEN = 4;
const QUOTA_CHECKED = 8;

const ALLOWED = 0;

/** Reasons told of a token before its signature and claims are known to stand. */
const UNVERIFIED = /^(?:credentials_required|header_unreadable|keys_unavailable|token_(?!revoked).*)$/;

/** @typedef {{ active: number, limit?: number, createdAt: number, lastActiveAt: number, previousActiveAt: number }} SessionView */
/** @typedef {{ limit: number, remaining: number, resetAt: number | null }} QuotaView */

class Decision {
  /**
   * @param {import('../runtime/native-store.js').Engine} engine
   * @param {import('../policy/policy.js').Compiled} policy
   * @param {boolean} bare the credential is a token, not a header
   */
  constructor(engine, policy, bare) {
    this.engine = engine;
    this.policy = policy;
    this.bare = bare;
    this.credential = '';
    this.limit = NaN;
    /** @type {Decision | undefined} */
    this.prior = undefined;
    /** The API key whose own quota this request was charged to; '' for none. */
    this.chargedKey = '';
    /** @type {SessionView | undefined} */
    this.session = undefined;
    /** @type {QuotaView | undefined} */
    this.quota = undefined;
    this.degraded = false;
    /** What would have been answered, where nothing is enforced. @type {import('../../../index.js').Denial | undefined} */
    this.observed = undefined;
    /** @type {import('../../../index.js').Claims | undefined} */
    this.decoded = undefined;
    /** The response; null when it is over, undefined where there is none (authenticate()). @type {any} */
    this.res = undefined;
    /** What this Auth has decided on the same request before; until its response is over. @type {Decision | undefined} */
    this.before = undefined;
    /** The turn that serialize() holds for the request. @type {import('../turns/critical-section.js').RequestTurn | undefined} */
    this.turn = undefined;
  }

  get token() {
    return this.bare ? this.credential : this.credential.slice(this.credential.lastIndexOf(' ') + 1);
  }

  /** The API key that came with the request. @returns {string | undefined} */
  get key() {
    return undefined;
  }

  get claims() {
    this.decoded ??= decodeClaims(this.token);
    return this.decoded;
  }

  /** @returns {readonly string[]} */
  get scopes() {
    return scopesOf(this.claims);
  }

  /**
   * @param {string} reason for which it is denied
   * @returns {boolean} whether the credential itself verified
   */
  isVerified(reason) {
    return !UNVERIFIED.test(reason);
  }

  /** @returns {Decision | undefined} the last one on this request that has looked at a token */
  get ofToken() {
    return this;
  }

  /**
   * Takes over what this request has touched and charged already, with whatever else it was decided on in between.
   * @param {Decision | undefined} prior
   */
  follow(prior) {
    if (prior === undefined) return;
    this.chargedKey = prior.chargedKey;
    const before = prior.ofToken;
    if (before?.token === this.token) this.prior = before;
  }

  /**
   * @param {string} credential
   * @param {unknown} subject what function options are given
   * @param {Decision | undefined} prior this Auth's decision on the same request: the same credential is not touched twice
   * @returns {number} reason code, or a negative ticket
   */
  ask(credential, subject, prior) {
    const { engine, policy } = this;
    const { quota } = policy;
    this.credential = credential;
    this.follow(prior);
    const flags = (this.bare ? BARE : 0) | (this.prior === undefined ? 0 : AGAIN);
    if (policy.asksFirst) {
      const code = engine.gate.verify(credential, flags);
      if (code !== ALLOWED) return code;
    }
    this.askLimit(subject);
    const holder = quota && holderOf(quota, subject);
    const cost = quota === undefined ? NaN : costOf(quota, subject);
    const idempotencyKey = quota && idempotencyKeyOf(quota, subject);
    // User code may have closed the Auth meanwhile: nothing may be asked of it any more.
    if (engine.closed) throw closedError();
    return this.#question(flags, cost, holder, idempotencyKey);
  }

  /**
   * @param {number} flags
   * @param {number} cost NaN: the policy's own
   * @param {string} [holder] of the quota, where a function names it
   * @param {string} [idempotencyKey]
   * @returns {number}
   */
  #question(flags, cost, holder, idempotencyKey) {
    try {
      return this.settled(this.#put(flags, cost, holder, idempotencyKey));
    } catch (error) {
      const fault = fromNative(error);
      if (isStoreFault(fault)) return this.withoutStore();
      throw fault;
    }
  }

  /**
   * In the shortest way that says everything: every argument costs.
   * @param {number} flags
   * @param {number} cost
   * @param {string} [holder]
   * @param {string} [idempotencyKey]
   * @returns {number}
   */
  #put(flags, cost, holder, idempotencyKey) {
    const { engine, policy, credential, limit } = this;
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

  /**
   * @param {number} code as it came from the store
   * @returns {number}
   */
  settled(code) {
    return code === this.engine.codes.storeUnavailable ? this.withoutStore() : code;
  }

  /** @returns {number} the code that stands in for a verdict that the store could not give */
  withoutStore() {
    const code = codeWithoutStore(this, this.bare ? BARE : 0);
    this.degraded = code === ALLOWED;
    return code;
  }

  /** @param {unknown} subject what the function of the limit is given, where there is one */
  askLimit(subject) {
    const { limitFunction } = this.engine;
    if (limitFunction === undefined) return;
    if (this.prior !== undefined) {
      this.limit = this.prior.limit;
      return;
    }
    const limit = limitFunction(this.claims, subject);
    if (!isLimit(limit))
      throw inputError('sessions.limit must return an integer from 0 to 4294967295, and no promise');
    this.limit = /** @type {number} */ (limit);
  }

  /**
   * Copies what an allowing verdict says: the record belongs to the addon, and changes with the next question.
   * @param {Float64Array} record
   * @param {number} at
   */
  keep(record, at) {
    if (!this.degraded) {
      const flags = record[at + FLAGS];
      if (flags & SESSION_CHECKED) this.session = sessionView(record, at, this.prior?.session);
      if (flags & SESSION_IS_TOKEN) this.engine.noteSessionIsToken();
      if (flags & QUOTA_CHECKED) this.quota = quotaView(record, at);
    }
    this.prior = undefined;
  }

  /**
   * @param {Float64Array} record
   * @param {number} at
   * @returns {import('../http/rate-limit.js').RateLimit | undefined} what headers say of the quota that was looked at
   */
  rateLimit(record, at) {
    const { quota } = this.policy;
    const looked = quota !== undefined && !this.degraded && record[at + FLAGS] & QUOTA_CHECKED;
    return looked ? rateLimit(quota, record[at + REMAINING], untilMore(record, at, quota)) : undefined;
  }

  /**
   * @param {Float64Array} record
   * @param {number} at
   * @returns {import('../http/rate-limit.js').RateLimit[]} the same of every quota
   */
  rateLimits(record, at) {
    const limit = this.rateLimit(record, at);
    return limit === undefined ? [] : [limit];
  }

  /**
   * @param {Float64Array} record
   * @param {number} at
   * @returns {number} of the charge that may be given back; 0 where there is none
   */
  charge(record, at) {
    return this.degraded ? 0 : record[at + CHARGE];
  }

  /**
   * @param {number} code
   * @param {Float64Array} record
   * @param {number} at
   * @returns {import('../http/denial.js').Answer}
   */
  refusal(code, record, at) {
    const answer = this.policy.answers[code];
    if (code !== this.engine.codes.quotaExhausted) return answer;
    const limits = this.rateLimits(record, at);
    return limits.length === 0 ? answer : withLimits(answer, limits, record[at + RETRY_AFTER]);
  }
}

/**
 * @param {Float64Array} record
 * @param {number} at
 * @param {SessionView | undefined} prior
 * @returns {SessionView}
 */
function sessionView(record, at, prior) {
  const active = record[at + ACTIVE];
  const limit = record[at + LIMIT];
  const createdAt = record[at + CREATED];
  const lastActiveAt = record[at + LAST_ACTIVE];
  const previousActiveAt = prior === undefined ? record[at + PREVIOUS_ACTIVE] : prior.previousActiveAt;
  return Number.isNaN(limit)
    ? { active, createdAt, lastActiveAt, previousActiveAt }
    : { active, limit, createdAt, lastActiveAt, previousActiveAt };
}

/**
 * @param {Float64Array} record
 * @param {number} at
 * @returns {QuotaView}
 */
function quotaView(record, at) {
  const resetAt = record[at + RESET_AT];
  return {
    limit: record[at + QUOTA_LIMIT],
    remaining: record[at + REMAINING],
    resetAt: Number.isNaN(resetAt) ? null : resetAt,
  };
}

/**
 * Milliseconds until there will be more units; NaN where nothing says so. The store's own figure is preferred: the instant is
 * by its clock, from which this process's may differ by more than a window.
 * @param {Float64Array} record
 * @param {number} at
 * @param {import('../policy/policy-quota.js').PolicyQuota} quota
 */
function untilMore(record, at, { native }) {
  const retryAfterMs = record[at + RETRY_AFTER];
  if (!Number.isNaN(retryAfterMs)) return retryAfterMs;
  return Math.min(Math.max(record[at + RESET_AT] - Date.now(), 0), native.windowMs);
}

exports.ALLOWED = ALLOWED;
exports.Decision = Decision;
