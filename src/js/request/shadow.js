'use strict';
// Mode 'observe': everything is decided, and nothing denied. What would have been answered is told by events, metrics and
// req.auth.observed; the request goes on, and neither the response nor what others put on the request is touched.

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
  // Whoever reads what an earlier middleware has handed out is told as well.
  const before = decisionIn(req[engine.symbol]);
  if (before !== undefined) before.observed = observed;
}

/**
 * Under its own symbol always; under the property that users read only where nobody else has put something there.
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
 * A fault is counted by whoever calls this, told once by its code, and costs the request nothing. What comes behind would not
 * have seen it.
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
