'use strict';
// auth.serialize(): a middleware that runs the requests of a user one after another. The turn belongs to the handler, not to the
// connection: it ends when the handler ends the response, even if the client has disconnected.

const { deny } = require('../http/denial.js');
const { lockOptions } = require('../options/lock-options.js');
const { RequestTurn, enclosing, reentry, running } = require('../turns/critical-section.js');
const { credentialOf } = require('../turns/holds.js');
const { KIND, place } = require('../turns/turns.js');
const { LatchgateError, configError, isStoreFault } = require('../util/errors.js');
const { refuseStranger } = require('./guards.js');
const { decisionOn, fail, forget } = require('./handler.js');
const { reportDenied } = require('./shadow-report.js');
const { wouldBeOver } = require('./shadow.js');

/**
 * @typedef {import('../runtime/native-store.js').Engine} Engine
 * @typedef {import('./decision.js').RequestDecision} RequestDecision
 * @typedef {import('../options/lock-options.js').Settings} Settings
 * @typedef {import('../turns/lease.js').Hold} Hold
 */

/**
 * @param {Engine} engine
 * @param {unknown} options LockOptions
 * @returns {import('express').RequestHandler}
 */
function serialize(engine, options) {
  const settings = lockOptions(options, configError);
  return function latchgateSerialize(req, res, next) {
    if (wouldBeOver(req, engine)) {
      next();
      return;
    }
    const decision = decisionOn(req, engine);
    if (decision === undefined) {
      refuseStranger(engine, req, res, next);
      return;
    }
    // Whether a turn would have come in time cannot be known without taking it.
    if (engine.observe) {
      next();
      return;
    }
    try {
      engine.assertOpen();
      wait(engine, decision, settings, req, res, next);
    } catch (error) {
      fail(engine, req, next, error);
    }
  };
}

/**
 * @param {Engine} engine
 * @param {RequestDecision} decision
 * @param {Settings} settings
 * @param {any} req
 * @param {any} res
 * @param {(error?: unknown) => void} next
 */
function wait(engine, decision, settings, req, res, next) {
  if (isOver(res)) return;
  const at = place(KIND.user, req[engine.symbol].userId);
  if (enclosing(engine, at) !== undefined) throw reentry();
  const waiter = engine.turns.enter(at, settings, credentialOf(decision));
  // Its handler has not run: nobody but the client has waited for it.
  const gone = () => waiter.abort(GONE);
  res.on('close', gone);
  waiter.promise.then(
    (hold) => {
      res.removeListener('close', gone);
      if (isOver(res)) hold.release().catch(() => {});
      else go(engine, decision, hold, res, next);
    },
    (error) => {
      res.removeListener('close', gone);
      if (!isOver(res)) refuse(engine, decision, error, waiter.denied, req, res, next);
    },
  );
}

/** @param {any} res whether it has been answered, or nobody is there to be answered */
function isOver(res) {
  return res.writableEnded || res.destroyed;
}

/**
 * @param {Engine} engine
 * @param {RequestDecision} decision
 * @param {Hold} hold
 * @param {any} res
 * @param {(error?: unknown) => void} next
 */
function go(engine, decision, hold, res, next) {
  const turn = new RequestTurn(engine, hold);
  decision.turn = turn;
  const gone = () => hold.abort(GONE);
  const end = () => {
    res.removeListener('close', gone);
    turn.end();
  };
  res.on('close', gone);
  afterEnd(res, end);
  running.run(turn, next);
}

/**
 * The handler's own call: the events come with the connection's end as well. A call that throws has ended nothing.
 * @param {any} res
 * @param {() => void} then
 */
function afterEnd(res, then) {
  const { end } = res;
  res.end = function latchgateEnd(/** @type {any[]} */ ...args) {
    const result = end.apply(this, args);
    then();
    return result;
  };
}

/**
 * @param {Engine} engine
 * @param {RequestDecision} decision
 * @param {unknown} error
 * @param {number} reason why the credential is no longer valid; 0: it is valid
 * @param {any} req
 * @param {any} res
 * @param {(error?: unknown) => void} next
 */
function refuse(engine, decision, error, reason, req, res, next) {
  const { policy } = decision;
  const code = reason || codeOf(engine, error);
  if (code === undefined) {
    fail(engine, req, next, error);
    return;
  }
  if (reason !== 0) forget(req, engine, policy.property);
  reportDenied(engine, policy.answers[code], code, decision);
  deny(policy.answers[code], policy.onDeny, req, res, next);
}

/**
 * @param {Engine} engine
 * @param {unknown} error
 * @returns {number | undefined} of the reason, where it is a denial
 */
function codeOf({ codes }, error) {
  if (isStoreFault(error)) return codes.storeUnavailable;
  if (!(error instanceof LatchgateError)) return undefined;
  if (error.code === 'ERR_LATCHGATE_QUEUE_FULL') return codes.queueFull;
  return error.code === 'ERR_LATCHGATE_BUSY' ? codes.noTurn : undefined;
}

/** The reason of a lease's signal when the client has disconnected. */
const GONE = new DOMException('the client has hung up', 'AbortError');

exports.serialize = serialize;
