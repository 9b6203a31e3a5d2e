'use strict';
// The answer table: which status, body and headers belong to which reason. Bodies and header values are made once per
// policy; a denial given to user code is a fresh object, so that nothing done to it reaches a later answer.

const { asError } = require('../util/errors.js');
const { isThenable } = require('../util/input.js');
const { rateLimitHeaders, seconds, setRateLimits } = require('./rate-limit.js');

/**
 * @typedef {import('../../../index.js').Denial} Denial
 * @typedef {{ reason: string, code: string, status: number }} Reason
 * @typedef {import('./rate-limit.js').RateLimit} RateLimit
 * @typedef {{ bearer: boolean, keys: boolean }} Kinds of credentials that are accepted
 * @typedef {Reason & { body: string, challenge: string | undefined, retryAfter: string | undefined, limits: readonly RateLimit[] }} Answer
 * @typedef {(denial: Denial, req: any, res: any, next: any) => unknown} OnDeny
 */

/** RFC 6750 section 3: no error where no credentials came. */
const CHALLENGED = ['invalid_request', 'invalid_token', 'insufficient_scope'];

/** @type {readonly RateLimit[]} */
const NO_LIMITS = Object.freeze([]);

/**
 * @param {readonly Reason[]} reasons in the order of the addon's codes
 * @param {string} realm
 * @param {Kinds} kinds
 * @returns {Answer[]} by the same codes
 */
function compileAnswers(reasons, realm, kinds) {
  return reasons.map(({ reason, code, status }) => ({
    reason,
    code,
    status,
    body: JSON.stringify({ error: code }),
    challenge: challenge(code, realm, kinds),
    retryAfter: status === 503 || code === 'busy' ? '1' : undefined,
    limits: NO_LIMITS,
  }));
}

/**
 * @param {string} code
 * @param {string} realm
 * @param {Kinds} kinds
 */
function challenge(code, realm, { bearer, keys }) {
  const forKeys = `ApiKey realm="${realm}"`;
  if (code === 'credentials_required') {
    return [bearer && `Bearer realm="${realm}"`, keys && forKeys].filter(Boolean).join(', ');
  }
  if (code === 'invalid_api_key') return forKeys;
  return CHALLENGED.includes(code) ? `Bearer realm="${realm}", error="${code}"` : undefined;
}

/**
 * The answer to a request without credentials names every kind that is accepted.
 * @param {Answer} answer
 * @param {string} realm
 * @param {Kinds} kinds
 * @returns {Answer}
 */
function withKinds(answer, realm, kinds) {
  return { ...answer, challenge: challenge(answer.code, realm, kinds) };
}

/**
 * The answer to a missing scope names what is demanded; RFC 6750 section 3.1.
 * @param {Answer} answer
 * @param {readonly string[]} scopes
 * @returns {Answer}
 */
function withScope(answer, scopes) {
  return { ...answer, challenge: `${answer.challenge}, scope="${scopes.join(' ')}"` };
}

/**
 * The answer to a spent quota says what is left, and where there will be more, when.
 * @param {Answer} answer
 * @param {readonly RateLimit[]} limits
 * @param {number} retryAfterMs NaN: never
 * @returns {Answer}
 */
function withLimits(answer, limits, retryAfterMs) {
  const retryAfter = Number.isNaN(retryAfterMs) ? undefined : String(seconds(retryAfterMs));
  return { ...answer, limits, retryAfter };
}

/**
 * @param {Answer} answer
 * @param {import('node:http').ServerResponse} [res] its headers are kept together with the headers of the denial
 * @returns {Denial}
 */
function denialOf({ code, status, reason, challenge, retryAfter, limits }, res) {
  /** @type {Record<string, string>} */
  const headers = { 'Cache-Control': 'no-store' };
  if (challenge !== undefined) headers['WWW-Authenticate'] = challenge;
  if (retryAfter !== undefined) headers['Retry-After'] = retryAfter;
  if (limits.length > 0) Object.assign(headers, rateLimitHeaders(limits, res));
  return { code, status, reason, headers };
}

/**
 * Answers the request, or passes the denial to onDeny. An exception of onDeny, now or later, goes to next(err).
 * @param {Answer} answer
 * @param {OnDeny | undefined} onDeny
 * @param {any} req
 * @param {any} res
 * @param {(error?: unknown) => void} next
 */
function deny(answer, onDeny, req, res, next) {
  try {
    if (onDeny === undefined) {
      send(answer, res);
      return;
    }
    const result = onDeny(denialOf(answer, res), req, res, next);
    if (isThenable(result)) {
      /** @type {PromiseLike<unknown>} */ (result).then(undefined, (error) => next(asError(error)));
    }
  } catch (error) {
    next(asError(error));
  }
}

/**
 * @param {Answer} answer
 * @param {import('node:http').ServerResponse} res
 */
function send(answer, res) {
  res.statusCode = answer.status;
  res.setHeader('Cache-Control', 'no-store');
  res.setHeader('Content-Type', 'application/json; charset=utf-8');
  if (answer.challenge !== undefined) res.setHeader('WWW-Authenticate', answer.challenge);
  if (answer.retryAfter !== undefined) res.setHeader('Retry-After', answer.retryAfter);
  setRateLimits(answer.limits, res);
  res.end(answer.body);
}

module.exports = { compileAnswers, denialOf, deny, withKinds, withLimits, withScope };
