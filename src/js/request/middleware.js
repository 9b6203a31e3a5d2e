'use strict';
// The path of every request: one question to the gate, one answer, and next() in the same tick where the store answers on
// the spot. Allocates two small objects for a request that is let through, and no promise, closure or timer.

const { NONE, UNREADABLE, headerCredential, ownCredential } = require('../credential/credential.js');
const { setRateLimit } = require('../http/rate-limit.js');
const { isStoreFault } = require('../util/errors.js');
const { ALLOWED, Decision } = require('./decision.js');
const { conduct, decisionOn, fail, letThrough, turnAway } = require('./handler.js');
const { refundAfter } = require('./refund.js');
const { RequestAuth } = require('./request-auth.js');

/**
 * @typedef {import('../runtime/native-store.js').Engine} Engine
 * @typedef {import('../policy/policy.js').Compiled} Compiled
 */

/** A decision on a request; also the one who waits for it, where the store does not answer at once. */
class Passage extends Decision {
  /**
   * @param {Engine} engine
   * @param {Compiled} policy
   * @param {any} req
   * @param {any} res
   * @param {(error?: unknown) => void} next
   */
  constructor(engine, policy, req, res, next) {
    super(engine, policy, policy.getToken !== undefined);
    this.req = req;
    this.res = res;
    this.next = next;
  }

  /** @returns {number} reason code, or a negative ticket */
  decide() {
    const { engine, policy, req } = this;
    const credential =
      policy.getToken === undefined ? headerCredential(req) : ownCredential(policy.getToken, req);
    if (credential === UNREADABLE) return engine.codes.unreadable;
    if (credential === NONE) return engine.codes.noCredentials;
    return this.ask(credential, req, decisionOn(req, engine));
  }

  again() {
    const { engine, req } = this;
    return this.ask(this.credential, req, decisionOn(req, engine));
  }

  auth() {
    return new RequestAuth(this);
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
    if (policy.quota !== undefined && !engine.observe) this.#tellLimit(record, at);
    if (policy.quota?.refundOn !== undefined)
      refundAfter(engine, policy.quota.refundOn, this.charge(record, at), res);
    letThrough(this, this.auth(), record, at);
  }

  /**
   * @param {number} code
   * @param {Float64Array} record
   * @param {number} at
   */
  arrive(code, record, at) {
    this.complete(this.settled(code), record, at);
  }

  /**
   * Nothing can be told any more where a timeout, say, has answered meanwhile.
   * @param {Float64Array} record
   * @param {number} at
   */
  #tellLimit(record, at) {
    const limit = this.rateLimit(record, at);
    if (limit !== undefined && !this.res.headersSent) setRateLimit(limit, this.res);
  }

  /** Of the calls that complete with an outcome, a decision is none. */
  outcome() {
    this.fail(new TypeError('a decision completed without a verdict'));
  }

  /** @param {unknown} error */
  fail(error) {
    if (isStoreFault(error)) this.complete(this.withoutStore(), this.engine.verdict, 0);
    else fail(this.engine, this.req, this.next, error);
  }
}

/**
 * @param {Engine} engine
 * @param {Compiled} policy
 * @returns {import('express').RequestHandler}
 */
function createMiddleware(engine, policy) {
  return function latchgate(req, res, next) {
    conduct(new Passage(engine, policy, req, res, next));
  };
}

exports.createMiddleware = createMiddleware;
