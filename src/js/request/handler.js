'use strict';
// The steps of a request with any credential: ask once, wait for the store, then continue or deny.

const { AsyncResource } = require('node:async_hooks');
const { deny } = require('../http/denial.js');
const { ALLOWED } = require('../native/records.js');
const { asError, closedError, inputError, knownCode } = require('../util/errors.js');
const { isThenable } = require('../util/input.js');
const { RequestAuth, decisionBehind } = require('./request-auth.js');
const { reportAllowed, reportDenied, reportStanding } = require('./shadow-report.js');
const { lay, observeDenial, passOver, wouldBeOver } = require('./shadow.js');

/**
 * @typedef {import('../runtime/native-store.js').Engine} Engine
 * @typedef {import('../policy/policy.js').Compiled} Compiled
 * @typedef {import('./decision.js').RequestDecision} RequestDecision
 */

/**
 * A decision on a request. It also waits for the answer of a store that does not answer immediately.
 * @typedef {RequestDecision & Face} Passage
 *
 * @typedef {object} Face
 * @property {any} req
 * @property {any} res
 * @property {(error?: unknown) => void} next
 * @property {() => number} decide returns a reason code, or a negative ticket
 * @property {() => number} again the same with the same credentials
 * @property {(code: number, record: Float64Array, at: number) => void} complete
 * @property {(code: number, record: Float64Array, at: number) => void} arrive completes later with a verdict
 * @property {(outcome: import('../binding.js').Outcome) => void} outcome completes later with an object
 * @property {(error: unknown) => void} fail
 */

/** Continues a passage when the store has answered, in the asynchronous context of its request. */
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
    this.runInAsyncScope(this.passage.arrive, this.passage, code, record, at);
  }

  /** @param {import('../binding.js').Outcome} outcome */
  outcome(outcome) {
    this.runInAsyncScope(this.passage.outcome, this.passage, outcome);
  }

  /** @param {unknown} error */
  fail(error) {
    this.runInAsyncScope(this.passage.fail, this.passage, error);
  }
}

/**
 * @param {Engine} engine
 * @param {any} req
 * @param {(error?: unknown) => void} next
 * @param {unknown} error
 */
function fail(engine, req, next, error) {
  const fault = asError(error);
  engine.metrics.faulted(knownCode(fault));
  if (engine.observe) passOver(engine, req, fault, next);
  else next(fault);
}

/** Asks, and continues with the answer: immediately, or after keys are fetched. @param {Passage} passage */
function conduct(passage) {
  const { engine, policy, req, next } = passage;
  if (wouldBeOver(req, engine)) {
    next();
    return;
  }
  let code;
  try {
    if (engine.closed) throw closedError();
    code = policy.skip !== undefined && isSkipped(policy.skip, req) ? undefined : passage.decide();
  } catch (error) {
    fail(engine, req, next, error);
    return;
  }
  if (code === undefined) next();
  else if (code > ALLOWED && engine.keySource?.mayTeach(code)) learnKey(passage, engine.keySource);
  else goOn(passage, code);
}

/**
 * @param {Passage} passage
 * @param {number} code reason code, or a negative ticket
 */
function goOn(passage, code) {
  const { engine } = passage;
  if (code < 0) engine.bridge.wait(-code, new Later(passage));
  else passage.complete(code, engine.verdict, 0);
}

/**
 * @param {Passage} passage
 * @param {import('../keys/key-source.js').KeySource} keySource
 */
function learnKey(passage, keySource) {
  // An exception of a handler belongs to the app, and is no rejection.
  keySource.learn().then(() => setImmediate(askAgain, passage));
}

/** @param {Passage} passage */
function askAgain(passage) {
  let code;
  try {
    if (passage.engine.closed) throw closedError();
    code = passage.again();
  } catch (error) {
    fail(passage.engine, passage.req, passage.next, error);
    return;
  }
  goOn(passage, code);
}

/**
 * @param {Passage} passage
 * @param {Float64Array} record
 * @param {number} at
 */
function letThrough(passage, record, at) {
  reportAllowed(passage, record, at);
  handOn(passage);
}

/** @param {Passage} passage */
function handOn(passage) {
  const { engine, policy, req, res, next } = passage;
  const auth = new RequestAuth(passage);
  // req.auth may be kept for long: it must not keep the request and its socket with it.
  passage.req = undefined;
  passage.next = ignore;
  keepResponse(passage, res, engine);
  if (engine.observe) {
    lay(req, engine, policy.property, auth);
  } else {
    req[engine.symbol] = auth;
    req[policy.property] = auth;
  }
  next();
}

/**
 * @param {Passage} passage
 * @param {number} code
 * @param {Float64Array} record
 * @param {number} at
 */
function turnAway(passage, code, record, at) {
  const { engine, policy, req, res, next } = passage;
  if (!engine.observe) forget(req, engine, policy.property);
  if (policy.optional && code === engine.codes.noCredentials) {
    engine.metrics.anonymous();
    next();
    return;
  }
  const answer = passage.refusal(code, record, at);
  reportStanding(passage, code, record, at);
  if (engine.observe) {
    observeDenial(engine, answer, code, req, passage);
    if (passage.isVerified(answer.reason)) handOn(passage);
    else next();
    return;
  }
  reportDenied(engine, answer, code, passage);
  deny(answer, policy.onDeny, req, res, next);
}

function ignore() {}

/**
 * The response stays at hand until it is over, for a signal that may be asked for by then. However often this Auth decides
 * on a request, one listener is enough.
 * @param {Passage} passage
 * @param {any} res
 * @param {Engine} engine
 */
function keepResponse(passage, res, { symbol, over }) {
  if (res.destroyed) {
    passage.res = null;
    return;
  }
  passage.before = res[symbol];
  res[symbol] = passage;
  if (passage.before === undefined) res.on('close', over);
}

/**
 * @param {any} req
 * @param {Engine} engine
 * @returns {RequestDecision | undefined} the decision of this Auth on the request, under any property
 */
function decisionOn(req, engine) {
  const auth = req[engine.symbol];
  return auth === undefined ? undefined : decisionBehind(auth);
}

/**
 * A middleware that denies removes its property from the request, even if an earlier middleware set it.
 * @param {any} req
 * @param {Engine} engine
 * @param {string} property
 */
function forget(req, engine, property) {
  req[property] = undefined;
  if (decisionOn(req, engine)?.policy.property === property) req[engine.symbol] = undefined;
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

module.exports = { conduct, decisionOn, fail, forget, letThrough, turnAway };
