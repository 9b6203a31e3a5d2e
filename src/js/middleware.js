'use strict';
// The path of every request: one question to the gate, one answer, and next() in the same tick where the store answers on
// the spot. Allocates two small objects for a request that is let through, and no promise, closure or timer.

const { AsyncResource } = require('node:async_hooks');
const { NONE, UNREADABLE, headerCredential, ownCredential } = require('./credential.js');
const { ALLOWED, Decision } = require('./decision.js');
const { deny } = require('./denial.js');
const { asError, closedError, inputError, isStoreFault } = require('./errors.js');
const { isThenable } = require('./input.js');
const { setRateLimit } = require('./rate-limit.js');
const { refundAfter } = require('./refund.js');
const { RequestAuth, decisionBehind } = require('./request-auth.js');

/**
 * @typedef {import('./engine.js').Engine} Engine
 * @typedef {import('./policy.js').Compiled} Compiled
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

  /**
   * @param {number} code
   * @param {Float64Array} record
   * @param {number} at
   */
  complete(code, record, at) {
    const { engine, policy, req, res, next } = this;
    if (code === ALLOWED) {
      this.keep(record, at);
      if (policy.quota !== undefined) this.#tellLimit(record, at);
      if (policy.quota?.refundOn !== undefined)
        refundAfter(engine, policy.quota.refundOn, this.charge(record, at), res);
      this.#letGo();
      const auth = new RequestAuth(this);
      req[engine.symbol] = auth;
      req[policy.property] = auth;
      next();
      return;
    }
    forget(req, engine, policy.property);
    if (policy.optional && code === engine.codes.noCredentials) next();
    else deny(this.refusal(code, record, at), policy.onDeny, req, res, next);
  }

  /** req.auth may be kept for long: it must not keep the request and its socket with it. */
  #letGo() {
    this.req = undefined;
    this.res = undefined;
    this.next = ignore;
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
    else this.next(asError(error));
  }
}

/** A passage that goes on when the store has answered, in the asynchronous context of its request. */
class Later extends AsyncResource {
  /** @param {Passage} passage */
  constructor(passage) {
    super('LATCHGATE_DECISION');
    this.passage = passage;
  }

  /**
   * @param {number} code
   * @param {Float64Array} record
   * @param {number} at
   */
  complete(code, record, at) {
    const { passage } = this;
    this.runInAsyncScope(passage.complete, passage, passage.settled(code), record, at);
  }

  outcome() {
    this.runInAsyncScope(this.passage.outcome, this.passage);
  }

  /** @param {unknown} error */
  fail(error) {
    this.runInAsyncScope(this.passage.fail, this.passage, error);
  }
}

function ignore() {}

/**
 * @param {any} req
 * @param {Engine} engine
 * @returns {Decision | undefined} what this Auth decided on the request, whatever its property is called
 */
function decisionOn(req, engine) {
  const auth = req[engine.symbol];
  return auth === undefined ? undefined : decisionBehind(auth);
}

/**
 * A middleware that does not let through leaves nothing under its property, not even what an earlier one put there.
 * @param {any} req
 * @param {Engine} engine
 * @param {string} property
 */
function forget(req, engine, property) {
  req[property] = undefined;
  if (decisionOn(req, engine)?.policy.property === property) req[engine.symbol] = undefined;
}

/**
 * @param {Engine} engine
 * @param {Compiled} policy
 * @returns {import('express').RequestHandler}
 */
function createMiddleware(engine, policy) {
  return function latchgate(req, res, next) {
    const passage = new Passage(engine, policy, req, res, next);
    let code;
    try {
      if (engine.closed) throw closedError();
      code = policy.skip !== undefined && isSkipped(policy.skip, req) ? undefined : passage.decide();
    } catch (error) {
      next(asError(error));
      return;
    }
    if (code === undefined) next();
    else if (code < 0) engine.bridge.wait(-code, new Later(passage));
    else passage.complete(code, engine.verdict, 0);
  };
}

/**
 * @param {(req: any) => unknown} skip
 * @param {any} req
 */
function isSkipped(skip, req) {
  const skipped = skip(req);
  if (isThenable(skipped)) throw inputError('skip must return true or false, and no promise');
  return Boolean(skipped);
}

module.exports = { createMiddleware, decisionOn };
