'use strict';
// The decision on one request, for any server framework. It takes the credentials that the framework's face found, asks the
// addon once, and returns a reason code. It stays as the state behind req.auth.
//
// A strategy knows one kind of credential: byToken (token.js), or byKey (key.js), an API key alone or with a token.

const { decodeClaims } = require('../credential/claims.js');
const { NONE } = require('../credential/credential.js');
const { withLimits } = require('../http/denial.js');
const { rateLimit } = require('../http/rate-limit.js');
const {
  ACTIVE,
  BARE,
  CHARGE,
  CREATED,
  FLAGS,
  LAST_ACTIVE,
  LIMIT,
  PREVIOUS_ACTIVE,
  QUOTA_CHECKED,
  QUOTA_LIMIT,
  REMAINING,
  RESET_AT,
  RETRY_AFTER,
  SESSION_CHECKED,
  SESSION_IS_TOKEN,
} = require('../native/records.js');
const { inputError } = require('../util/errors.js');
const { isLimit } = require('../util/input.js');

const NO_CLAIMS = Object.freeze({});

/** @typedef {{ active: number, limit?: number, createdAt: number, lastActiveAt: number, previousActiveAt: number }} SessionView */
/** @typedef {{ limit: number, remaining: number, resetAt: number | null }} QuotaView */
/** @typedef {import('../http/rate-limit.js').RateLimit} RateLimit */

/**
 * @typedef {object} Strategy
 * @property {(decision: RequestDecision, subject: unknown, prior: RequestDecision | undefined) => number} ask returns a reason
 *   code, or a negative ticket
 * @property {(decision: RequestDecision) => number} withoutStore returns the code if the store cannot answer
 * @property {(decision: RequestDecision, reason: string) => boolean} isVerified
 * @property {(decision: RequestDecision) => readonly string[]} scopes
 * @property {(decision: RequestDecision) => RateLimit | undefined} ownLimit the own quota of an API key
 * @property {(decision: RequestDecision, policyWaitMs: number) => number} waitMs until a retry may succeed, after an exhausted
 *   quota; NaN if unknown
 */

class RequestDecision {
  /**
   * @param {import('../runtime/native-store.js').Engine} engine
   * @param {import('../policy/policy.js').Compiled} policy
   * @param {Strategy} strategy
   * @param {boolean} bare the credential is a token, not a header
   */
  constructor(engine, policy, strategy, bare) {
    this.engine = engine;
    this.policy = policy;
    this.strategy = strategy;
    this.bare = bare;
    /** The header or the token; NONE without one. */
    this.credential = NONE;
    /** The API key of the request. @type {string | undefined} */
    this.key = undefined;
    /** The store's answer about the key. @type {import('../binding.js').NativeKeyUse | undefined} */
    this.use = undefined;
    this.limit = NaN;
    /** The decision of this Auth on the same token of the same request. @type {RequestDecision | undefined} */
    this.prior = undefined;
    /** The last decision on this request with a token, if this decision has none. @type {RequestDecision | undefined} */
    this.earlier = undefined;
    /** The API key whose own quota this request was charged to; '' for none. */
    this.chargedKey = '';
    /** @type {SessionView | undefined} */
    this.session = undefined;
    /** @type {QuotaView | undefined} */
    this.quota = undefined;
    this.degraded = false;
    /** In mode 'observe': the denial that would have been sent. @type {import('../../../index.js').Denial | undefined} */
    this.observed = undefined;
    /** @type {import('../../../index.js').Claims | undefined} */
    this.decoded = undefined;
    /** The response; null when it is over, undefined if there is none (authenticate()). @type {any} */
    this.res = undefined;
    /** The earlier decision of this Auth on the same request; until its response is over. @type {RequestDecision | undefined} */
    this.before = undefined;
    /** The turn that serialize() holds for the request. @type {import('../turns/critical-section.js').RequestTurn | undefined} */
    this.turn = undefined;
  }

  get token() {
    return this.bare ? this.credential : this.credential.slice(this.credential.lastIndexOf(' ') + 1);
  }

  /** Empty for an API key alone. */
  get claims() {
    if (this.credential === NONE) return NO_CLAIMS;
    this.decoded ??= decodeClaims(this.token);
    return this.decoded;
  }

  /** @returns {readonly string[]} */
  get scopes() {
    return this.strategy.scopes(this);
  }

  /**
   * @param {string} reason of the denial
   * @returns {boolean} whether the credential itself verified
   */
  isVerified(reason) {
    return this.strategy.isVerified(this, reason);
  }

  /** @returns {RequestDecision | undefined} the last decision on this request with a token */
  get ofToken() {
    return this.credential === NONE ? this.earlier : this;
  }

  /** @returns {number} the flags of a question about the token */
  get flags() {
    return this.bare ? BARE : 0;
  }

  /**
   * Asks the addon. Calls the functions of the options and of the policy.
   * @param {string} credential the header or the token; NONE without one
   * @param {string | undefined} key
   * @param {unknown} subject the argument of function options
   * @param {RequestDecision | undefined} prior the decision of this Auth on the same request: the same credential is touched and
   *   charged once
   * @returns {number} reason code, or a negative ticket
   */
  ask(credential, key, subject, prior) {
    this.credential = credential;
    this.key = key;
    return this.strategy.ask(this, subject, prior);
  }

  /**
   * Takes over the touch and the charge of an earlier decision on this request, even if other decisions came between.
   * @param {RequestDecision | undefined} prior
   */
  follow(prior) {
    if (prior === undefined) return;
    this.chargedKey = prior.chargedKey;
    const before = prior.ofToken;
    if (before?.token === this.token) this.prior = before;
  }

  /** @param {unknown} subject the argument of the limit function, if there is one */
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
   * @param {number} code as the store returned it
   * @returns {number}
   */
  settled(code) {
    return code === this.engine.codes.storeUnavailable ? this.withoutStore() : code;
  }

  /** @returns {number} the code that replaces a verdict if the store cannot answer */
  withoutStore() {
    return this.strategy.withoutStore(this);
  }

  /**
   * Copies the data of an allowing verdict: the record belongs to the addon, and changes with the next question.
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
   * @returns {RateLimit | undefined} the state of the policy's quota for headers
   */
  rateLimit(record, at) {
    const { quota } = this.policy;
    const looked = quota !== undefined && !this.degraded && record[at + FLAGS] & QUOTA_CHECKED;
    return looked ? rateLimit(quota, record[at + REMAINING], untilMore(record, at, quota)) : undefined;
  }

  /**
   * @param {Float64Array} record
   * @param {number} at
   * @returns {RateLimit[]} the same for every quota
   */
  rateLimits(record, at) {
    const limits = [this.rateLimit(record, at), this.strategy.ownLimit(this)];
    return limits.filter((limit) => limit !== undefined);
  }

  /**
   * @param {Float64Array} record
   * @param {number} at
   * @returns {number} the number of the charge that can be refunded; 0 if there is none
   */
  charge(record, at) {
    return this.degraded ? 0 : record[at + CHARGE];
  }

  /**
   * @param {number} code
   * @param {Float64Array} record
   * @param {number} at
   * @returns {import('../http/denial.js').Answer} the response to a denied request: status, body and headers
   */
  refusal(code, record, at) {
    const answer = this.policy.answers[code];
    if (code !== this.engine.codes.quotaExhausted) return answer;
    const limits = this.rateLimits(record, at);
    if (limits.length === 0) return answer;
    return withLimits(answer, limits, this.strategy.waitMs(this, record[at + RETRY_AFTER]));
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
 * Milliseconds until more units are available; NaN if unknown. Prefers the store's own figure: the instant is by the store's
 * clock, which may differ from the clock of this process by more than a window.
 * @param {Float64Array} record
 * @param {number} at
 * @param {import('../policy/policy-quota.js').PolicyQuota} quota
 */
function untilMore(record, at, { native }) {
  const retryAfterMs = record[at + RETRY_AFTER];
  if (!Number.isNaN(retryAfterMs)) return retryAfterMs;
  return Math.min(Math.max(record[at + RESET_AT] - Date.now(), 0), native.windowMs);
}

exports.RequestDecision = RequestDecision;
