'use strict';
// The adapter for Express: finds the credentials of a request, asks, and calls next() in the same tick if the store answers
// immediately. A request that passes needs two small objects, and no promise, closure or timer.

const { NONE, UNREADABLE, headerCredential, ownCredential } = require('../credential/credential.js');
const { setRateLimit } = require('../http/rate-limit.js');
const { ALLOWED } = require('../native/records.js');
const { isStoreFault } = require('../util/errors.js');
const { RequestDecision } = require('./decision.js');
const { conduct, decisionOn, fail, letThrough, turnAway } = require('./handler.js');
const { byKey, keyAnswered } = require('./key.js');
const { refundAfter } = require('./refund.js');
const { byToken } = require('./token.js');

/**
 * @typedef {import('../runtime/native-store.js').Engine} Engine
 * @typedef {import('../policy/policy.js').Compiled} Compiled
 */

/** A decision on a request of Express. It also waits for the answer of a store that does not answer immediately. */
class Passage extends RequestDecision {
  /**
   * @param {Engine} engine
   * @param {Compiled} policy
   * @param {import('./decision.js').Strategy} strategy
   * @param {any} req
   * @param {any} res
   * @param {(error?: unknown) => void} next
   */
  constructor(engine, policy, strategy, req, res, next) {
    super(engine, policy, strategy, policy.getToken !== undefined);
    this.req = req;
    this.res = res;
    this.next = next;
  }

  /** @returns {number} reason code, or a negative ticket */
  decide() {
    const { engine, policy, strategy, req } = this;
    const { codes } = engine;
    const credential = policy.bearer ? tokenOf(policy, req) : NONE;
    if (credential === UNREADABLE) return codes.unreadable;
    if (strategy === byToken) {
      if (credential === NONE) return codes.noCredentials;
      return this.ask(credential, undefined, req, decisionOn(req, engine));
    }
    const key = keyOf(engine, req);
    if (key === undefined) return codes.noCredentials;
    // Node joins several headers of one name, and no key contains a comma.
    if (key.includes(',')) return codes.unreadable;
    return this.ask(credential, key, req, decisionOn(req, engine));
  }

  /** Asks again with the same credentials. @returns {number} reason code, or a negative ticket */
  again() {
    const { engine, req } = this;
    const key = this.strategy === byKey ? keyOf(engine, req) : undefined;
    return this.ask(this.credential, key, req, decisionOn(req, engine));
  }

  /**
   * @param {number} code
   * @param {Float64Array} record
   * @param {number} at
   */
  complete(code, record, at) {
    if (code !== ALLOWED) {
      turnAway(this, code, record, at);
      return;
    }
    const { engine, policy, res } = this;
    this.keep(record, at);
    if (!engine.observe && (policy.quota !== undefined || this.use !== undefined))
      this.#setHeaders(record, at);
    if (policy.quota?.refundOn !== undefined)
      refundAfter(engine, policy.quota.refundOn, this.charge(record, at), res);
    letThrough(this, record, at);
  }

  /**
   * Sets the headers of an allowed response, unless another part of the app, such as a timeout, has answered meanwhile.
   * @param {Float64Array} record
   * @param {number} at
   */
  #setHeaders(record, at) {
    const { res } = this;
    if (res.headersSent) return;
    const limit = this.rateLimit(record, at);
    if (limit !== undefined) setRateLimit(limit, res);
    const own = this.strategy.ownLimit(this);
    if (own !== undefined) setRateLimit(own, res);
  }

  /**
   * Completes with a verdict of the store. Only the question about a token has one.
   * @param {number} code
   * @param {Float64Array} record
   * @param {number} at
   */
  arrive(code, record, at) {
    if (this.strategy === byToken) this.complete(this.settled(code), record, at);
    else this.fail(new TypeError('a use of a key completed without an outcome'));
  }

  /**
   * Completes with an object. Only the question about an API key has one.
   * @param {import('../binding.js').Outcome} outcome
   */
  outcome(outcome) {
    if (this.strategy === byKey) this.complete(keyAnswered(this, outcome), this.engine.verdict, 0);
    else this.fail(new TypeError('a decision completed without a verdict'));
  }

  /** @param {unknown} error */
  fail(error) {
    if (isStoreFault(error)) this.complete(this.withoutStore(), this.engine.verdict, 0);
    else fail(this.engine, this.req, this.next, error);
  }
}

/**
 * @param {Compiled} policy
 * @param {any} req
 */
function tokenOf({ getToken }, req) {
  return getToken === undefined ? headerCredential(req) : ownCredential(getToken, req);
}

/**
 * @param {Engine} engine
 * @param {any} req
 * @returns {string | undefined}
 */
function keyOf({ keys }, req) {
  return req.headers[keys.header];
}

/**
 * @param {Engine} engine
 * @param {Compiled} policy
 * @returns {import('express').RequestHandler}
 */
function createMiddleware(engine, policy) {
  const { bearer, keys } = policy;
  return function latchgate(req, res, next) {
    const isKey = keys && (!bearer || keyOf(engine, req) !== undefined);
    conduct(new Passage(engine, policy, isKey ? byKey : byToken, req, res, next));
  };
}

exports.createMiddleware = createMiddleware;
