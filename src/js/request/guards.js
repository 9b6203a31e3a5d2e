'use strict';
// requireScope and requireClaims: the demands of a route on a request that passed a middleware of the same Auth. They read the
// decision, and ask no store.

const { isDeepStrictEqual } = require('node:util');
const { claim } = require('../credential/claims.js');
const { deny, withScope } = require('../http/denial.js');
const { configError, inputError } = require('../util/errors.js');
const { isPlainObject, isThenable, jsonValue, scopes, syncFunction } = require('../util/input.js');
const { decisionOn, fail } = require('./handler.js');
const { reportDenied } = require('./shadow-report.js');
const { observeDenial, wouldBeOver } = require('./shadow.js');

/**
 * @typedef {import('../runtime/native-store.js').Engine} Engine
 * @typedef {import('./decision.js').RequestDecision} RequestDecision
 * @typedef {(value: unknown, req: any) => boolean} Test
 */

/**
 * @param {Engine} engine
 * @param {unknown[]} names
 */
function requireScope(engine, names) {
  const demanded = scopes(names.length === 1 ? names[0] : names, 'requireScope()', configError);
  const answer = withScope(engine.answers[engine.codes.scopeMissing], demanded);
  return guard(engine, answer, engine.codes.scopeMissing, (decision) => {
    const granted = decision.scopes;
    return demanded.every((scope) => granted.includes(scope));
  });
}

/**
 * @param {Engine} engine
 * @param {unknown} match
 */
function requireClaims(engine, match) {
  const entries = isPlainObject(match) ? Object.entries(/** @type {object} */ (match)) : [];
  if (entries.length === 0)
    throw configError('requireClaims() needs an object: claim names with their values or functions');
  const tests = entries.map(([name, wanted]) => ({
    name,
    test: claimTest(wanted, `requireClaims(): ${name}`),
  }));
  const code = engine.codes.claimsMismatch;
  return guard(engine, engine.answers[code], code, ({ claims }, req) =>
    tests.every(({ name, test }) => Object.hasOwn(claims, name) && test(claim(claims, name), req)),
  );
}

/**
 * @param {unknown} wanted
 * @param {string} name
 * @returns {Test}
 */
function claimTest(wanted, name) {
  const ask = typeof wanted === 'function' ? syncFunction(wanted, name, configError) : undefined;
  if (ask !== undefined) return functionTest(ask, name);
  jsonValue(wanted, name, configError);
  const value = JSON.parse(JSON.stringify(wanted));
  return (actual) => isDeepStrictEqual(actual, value);
}

/**
 * A promise is always truthy: it must not pass for a yes.
 * @param {(value: unknown, req: any) => unknown} ask
 * @param {string} name
 * @returns {Test}
 */
function functionTest(ask, name) {
  return (actual, req) => {
    const satisfied = ask(actual, req);
    if (isThenable(satisfied)) throw inputError(`${name} must be synchronous: it returned a promise`);
    return Boolean(satisfied);
  };
}

/**
 * @param {Engine} engine
 * @param {import('../http/denial.js').Answer} refusal
 * @param {number} code of it
 * @param {(decision: RequestDecision, req: any) => boolean} stands
 * @returns {import('express').RequestHandler}
 */
function guard(engine, refusal, code, stands) {
  return function latchgateGuard(req, res, next) {
    if (wouldBeOver(req, engine)) {
      next();
      return;
    }
    const decision = decisionOn(req, engine);
    if (decision === undefined) {
      refuseStranger(engine, req, res, next);
      return;
    }
    let allowed;
    try {
      allowed = stands(decision, req);
    } catch (error) {
      fail(engine, req, next, error);
      return;
    }
    if (allowed) {
      next();
    } else if (engine.observe) {
      observeDenial(engine, refusal, code, req, decision);
      next();
    } else {
      reportDenied(engine, refusal, code, decision);
      deny(refusal, decision.policy.onDeny, req, res, next);
    }
  };
}

/**
 * The denial of a request that passed no middleware of the same Auth.
 * @param {Engine} engine
 * @param {any} req
 * @param {any} res
 * @param {(error?: unknown) => void} next
 */
function refuseStranger(engine, req, res, next) {
  const code = engine.codes.noCredentials;
  const answer = engine.answers[code];
  if (engine.observe) {
    observeDenial(engine, answer, code, req);
    next();
  } else {
    reportDenied(engine, answer, code);
    deny(answer, undefined, req, res, next);
  }
}

module.exports = { refuseStranger, requireClaims, requireScope };
