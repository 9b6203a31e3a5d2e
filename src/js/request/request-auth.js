'use strict';
// req.auth. Everything in it is read from the decision when first asked for; no view of it prints the token.

const { inspect } = require('node:util');
const { textClaim, tokenIdOf, userIdOf } = require('../credential/claims.js');
const { credentialOf, runAsUser } = require('../turns/holds.js');

/** @typedef {import('./decision.js').Decision} Decision */

/**
 * For the other parts of latchgate: user code has no way to the decision, and so none to the token.
 * @type {(auth: RequestAuth) => Decision}
 */
let decisionBehind;
/**
 * The same of a value that users hand in: undefined where it is no RequestAuth.
 * @type {(value: unknown) => Decision | undefined}
 */
let decisionIn;

class RequestAuth {
  /** @type {Decision} */
  #decision;
  /** @type {readonly string[] | undefined} */
  #scopes;
  /** @type {import('../runtime/watches.js').Watch | undefined} */
  #watch;

  /** @param {Decision} decision */
  constructor(decision) {
    this.#decision = decision;
  }

  static {
    decisionBehind = (auth) => auth.#decision;
    decisionIn = (value) =>
      typeof value === 'object' && value !== null && #decision in value ? value.#decision : undefined;
  }

  get userId() {
    return userIdOf(this.claims, this.#decision.engine);
  }

  /** @returns {string | undefined} */
  get sessionId() {
    const { engine, token } = this.#decision;
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
    return undefined;
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
    const { userId, sessionId, tokenId, claims, scopes, session, quota, degraded, observed } = this;
    return { userId, sessionId, tokenId, claims, scopes, session, quota, degraded, observed };
  }

  [inspect.custom](/** @type {number} */ _depth, /** @type {import('node:util').InspectOptions} */ options) {
    return `RequestAuth ${inspect(this.toJSON(), options)}`;
  }
}

exports.RequestAuth = RequestAuth;
exports.decisionBehind = decisionBehind;
exports.decisionIn = decisionIn;
