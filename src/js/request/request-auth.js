'use strict';
// req.auth. Everything in it is read from the decision when first asked for; no view of it prints the token.

const { inspect } = require('node:util');
const { deepFreeze, textClaim, tokenIdOf, userIdOf } = require('../credential/claims.js');
const { NONE } = require('../credential/credential.js');
const { credentialOf, runAsUser } = require('../turns/holds.js');
const { bare } = require('../util/names.js');

/** @typedef {import('./decision.js').RequestDecision} RequestDecision */

/**
 * For the other parts of latchgate: user code has no way to the decision, and so none to the token.
 * @type {(auth: RequestAuth) => RequestDecision}
 */
let decisionBehind;
/**
 * The same of a value that users hand in: undefined where it is no RequestAuth.
 * @type {(value: unknown) => RequestDecision | undefined}
 */
let decisionIn;

class RequestAuth {
  /** @type {RequestDecision} */
  #decision;
  /** @type {readonly string[] | undefined} */
  #scopes;
  /** @type {{ keyId: string, ownerId: string, metadata?: unknown } | undefined} */
  #apiKey;
  /** @type {import('../runtime/watches.js').Watch | undefined} */
  #watch;

  /** @param {RequestDecision} decision */
  constructor(decision) {
    this.#decision = decision;
  }

  static {
    decisionBehind = (auth) => auth.#decision;
    decisionIn = (value) =>
      typeof value === 'object' && value !== null && #decision in value ? value.#decision : undefined;
  }

  get userId() {
    const { use, engine } = this.#decision;
    return use === undefined ? userIdOf(this.claims, engine) : use.ownerId;
  }

  /** @returns {string | undefined} */
  get sessionId() {
    const { credential, engine, token } = this.#decision;
    if (credential === NONE) return undefined;
    return textClaim(this.claims, engine.sessionIdClaim) ?? tokenIdOf(this.claims, token);
  }

  get tokenId() {
    return textClaim(this.claims, 'jti');
  }

  get claims() {
    return this.#decision.claims;
  }

  get scopes() {
    this.#scopes ??= this.#decision.scopes;
    return this.#scopes;
  }

  get session() {
    const { session } = this.#decision;
    return session && Object.freeze(session);
  }

  /** @returns {import('../../../index.js').RequestAuth['apiKey']} */
  get apiKey() {
    const { use } = this.#decision;
    if (use !== undefined) this.#apiKey ??= apiKey(use);
    return this.#apiKey;
  }

  get quota() {
    const { quota } = this.#decision;
    return quota && Object.freeze(quota);
  }

  get degraded() {
    return this.#decision.degraded;
  }

  get observed() {
    return this.#decision.observed;
  }

  /** @returns {AbortSignal} */
  get signal() {
    const decision = this.#decision;
    this.#watch ??= decision.engine.watches.watch(this.userId, credentialOf(decision), decision.res);
    return this.#watch.signal;
  }

  /** @returns {Promise<void>} */
  async assertValid() {
    const { engine } = this.#decision;
    await engine.assertStanding(this.userId, credentialOf(this.#decision));
  }

  /**
   * @template T
   * @param {(lease: import('../turns/lease.js').Lease) => Promise<T> | T} fn
   * @param {object} [options] LockOptions
   * @returns {Promise<T>}
   */
  async runExclusive(fn, options) {
    return runAsUser(this.#decision, this.userId, fn, options);
  }

  done() {
    if (this.#watch === undefined) this.#decision.res = null;
    else this.#watch.end();
  }

  toJSON() {
    const { userId, sessionId, tokenId, claims, scopes, session, quota, degraded, observed, apiKey } = this;
    const all = { userId, sessionId, tokenId, claims, scopes, session, quota, degraded, observed };
    return apiKey === undefined ? all : { ...all, apiKey };
  }

  [inspect.custom](/** @type {number} */ _depth, /** @type {import('node:util').InspectOptions} */ options) {
    return `RequestAuth ${inspect(this.toJSON(), options)}`;
  }
}

/** @param {import('../binding.js').NativeKeyUse} use */
function apiKey(use) {
  const { keyId, ownerId, metadata } = bare(use);
  const plain = { keyId, ownerId };
  return deepFreeze(metadata === undefined ? plain : { ...plain, metadata: JSON.parse(metadata) });
}

exports.RequestAuth = RequestAuth;
exports.decisionBehind = decisionBehind;
exports.decisionIn = decisionIn;
