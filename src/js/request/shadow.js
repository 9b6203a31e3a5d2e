'use strict';
// Mode 'observe': everything is decided, and nothing is denied. Events, metrics and req.auth.observed report the denial. The
// request continues. The response, and properties of other middlewares on the request, do not change.

const { denialOf } = require('../http/denial.js');
const { knownCode } = require('../util/errors.js');
const { warnObserved } = require('../util/warnings.js');
const { decisionIn } = require('./request-auth.js');
const { reportDenied } = require('./shadow-report.js');

/**
 * @typedef {import('./decision.js').RequestDecision} RequestDecision
 * @typedef {import('../http/denial.js').Answer} Answer
 * @typedef {import('../runtime/native-store.js').Engine} Engine
 * @typedef {import('./request-auth.js').RequestAuth} RequestAuth
 */

/**
 * A request that would have been answered is over for this Auth: nothing that comes behind would have seen it.
 * @param {any} req
 * @param {Engine} engine
 * @returns {boolean}
 */
function wouldBeOver(req, { observe, denied }) {
  return observe && req[denied] === true;
}

/**
 * @param {Engine} engine
 * @param {Answer} answer
 * @param {number} code
 * @param {any} req
 * @param {RequestDecision} [decision] of the request, where its credential is known
 */
function observeDenial(engine, answer, code, req, decision) {
  reportDenied(engine, answer, code, decision);
  req[engine.denied] = true;
  const observed = denialOf(answer);
  if (decision !== undefined) decision.observed = observed;
  // The RequestAuth of an earlier middleware reports it too.
  const before = decisionIn(req[engine.symbol]);
  if (before !== undefined) before.observed = observed;
}

/**
 * Sets its own symbol always. Sets the property of the app only if no other code has set it.
 * @param {any} req
 * @param {Engine} engine
 * @param {string} property
 * @param {RequestAuth} auth
 */
function lay(req, engine, property, auth) {
  req[engine.symbol] = auth;
  const other = Reflect.get(req, property);
  // Of a property that cannot be written nothing is said: the request is the app's.
  if (other === undefined || decisionIn(other)?.engine === engine) Reflect.set(req, property, auth);
}

/**
 * Ignores a fault, which the caller has counted. It is reported once per code, and the request continues. Later middlewares
 * would not have seen the request.
 * @param {Engine} engine
 * @param {any} req
 * @param {Error} fault
 * @param {(error?: unknown) => void} next
 */
function passOver(engine, req, fault, next) {
  req[engine.denied] = true;
  warnObserved(knownCode(fault), fault);
  next();
}

module.exports = { lay, observeDenial, passOver, wouldBeOver };
