'use strict';
// The path of a request where API keys are accepted. Without a key it is the path of a token; with one, a question that the
// addon answers with an object, because of what it says of the key.

const { NONE, UNREADABLE, headerCredential, ownCredential } = require('../credential/credential.js');
const { setRateLimits } = require('../http/rate-limit.js');
const { isStoreFault } = require('../util/errors.js');
const { ALLOWED } = require('./decision.js');
const { conduct, decisionOn, fail, letThrough, turnAway } = require('./handler.js');
const { KeyAuth } = require('./key-auth.js');
const { KeyDecision } = require('./key-decision.js');
const { createMiddleware } = require('./middleware.js');
const { refundAfter } = require('./refund.js');

/**
 * @typedef {import('../runtime/native-store.js').Engine} Engine
 * @typedef {import('../policy/policy.js').Compiled} Compiled
 */

/** A decision on a request with a key; also the one who waits for it. */
class KeyPassage extends KeyDecision {
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
    const key = req.headers[engine.keys.header];
    const credential = policy.bearer ? this.#tokenBeside() : NONE;
    if (credential === UNREADABLE) return engine.codes.unreadable;
    if (key === undefined) return engine.codes.noCredentials;
    // Node joins several headers of a name; no key holds a comma.
    if (key.includes(',')) return engine.codes.unreadable;
    return this.askKey(key, credential, req, decisionOn(req, engine));
  }

  again() {
    const { engine, req } = this;
    return this.askKey(req.headers[engine.keys.header], this.credential, req, decisionOn(req, engine));
  }

  #tokenBeside() {
    const { policy, req } = this;
    return policy.getToken === undefined ? headerCredential(req) : ownCredential(policy.getToken, req);
  }

  auth() {
    return new KeyAuth(this);
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
    if (!res.headersSent && !engine.observe) setRateLimits(this.rateLimits(record, at), res);
    if (policy.quota?.refundOn !== undefined)
      refundAfter(engine, policy.quota.refundOn, this.charge(record, at), res);
    letThrough(this, this.auth(), record, at);
  }

  /** What is said of a key is no number. */
  arrive() {
    this.fail(new TypeError('a use of a key completed without an outcome'));
  }

  /** @param {import('../binding.js').Outcome} outcome */
  outcome(outcome) {
    this.complete(this.answered(outcome), this.engine.verdict, 0);
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
function createKeyMiddleware(engine, policy) {
  const withToken = policy.bearer ? createMiddleware(engine, policy) : undefined;
  const { header } = engine.keys;
  return function latchgate(req, res, next) {
    if (withToken !== undefined && req.headers[header] === undefined) {
      withToken(req, res, next);
      return;
    }
    conduct(new KeyPassage(engine, policy, req, res, next));
  };
}

exports.createKeyMiddleware = createKeyMiddleware;
