'use strict';
// The headers RateLimit-Policy and RateLimit of draft-ietf-httpapi-ratelimit-headers-10: lists with one item per quota, which
// its name identifies. Several middlewares share them.

/** RFC 9651 section 3.3.1: an integer has at most 15 digits. */
const MAX_INTEGER = 999_999_999_999_999;

/** A member of a list (RFC 9651 section 3.1): a comma within quotes parts nothing. */
const MEMBER = /(?:"(?:[^"\\]|\\.)*"|[^",])+/g;

const POLICY = 'RateLimit-Policy';
const STATE = 'RateLimit';

/** @typedef {{ name: string, limit: number, windowMs: number }} Named windowMs: NaN for a balance */

/**
 * The header items of one quota.
 * @typedef {object} RateLimit
 * @property {string} name
 * @property {string} policy item of RateLimit-Policy
 * @property {string} state item of RateLimit
 */

/**
 * @param {Named} quota
 * @returns {string}
 */
function policyItem({ name, limit, windowMs }) {
  const item = `"${name}";q=${Math.min(limit, MAX_INTEGER)}`;
  return Number.isNaN(windowMs) ? item : `${item};w=${seconds(windowMs)}`;
}

/**
 * @param {{ native: Named, item: string }} quota
 * @param {number} remaining
 * @param {number} untilMs milliseconds until there will be more; NaN where that is not known
 * @returns {RateLimit}
 */
function rateLimit({ native: { name }, item: policy }, remaining, untilMs) {
  const state = `"${name}";r=${Math.min(remaining, MAX_INTEGER)}`;
  return { name, policy, state: Number.isNaN(untilMs) ? state : `${state};t=${seconds(untilMs)}` };
}

/**
 * Returns the headers of an answer, including the items of other quotas that earlier middlewares have set.
 * @param {readonly RateLimit[]} limits at least one
 * @param {import('node:http').ServerResponse} [res]
 * @returns {Record<string, string>}
 */
function rateLimitHeaders(limits, res) {
  let [policies, states] = [res?.getHeader(POLICY), res?.getHeader(STATE)];
  for (const { name, policy, state } of limits) {
    policies = withItem(policies, name, policy);
    states = withItem(states, name, state);
  }
  return { [POLICY]: String(policies), [STATE]: String(states) };
}

/**
 * @param {readonly RateLimit[]} limits
 * @param {import('node:http').ServerResponse} res
 */
function setRateLimits(limits, res) {
  for (const limit of limits) setRateLimit(limit, res);
}

/**
 * @param {RateLimit} limit
 * @param {import('node:http').ServerResponse} res
 */
function setRateLimit({ name, policy, state }, res) {
  res.setHeader(POLICY, withItem(res.getHeader(POLICY), name, policy));
  res.setHeader(STATE, withItem(res.getHeader(STATE), name, state));
}

/**
 * @param {number | string | string[] | undefined} list
 * @param {string} name
 * @param {string} item
 * @returns {string}
 */
function withItem(list, name, item) {
  if (list === undefined) return item;
  const members = (String(list).match(MEMBER) ?? []).map((member) => member.trim());
  const at = members.findIndex((member) => member.startsWith(`"${name}"`));
  if (at === -1) members.push(item);
  else members[at] = item;
  return members.join(', ');
}

/** Rounded up: who comes back when it says so does not come too early. @param {number} ms */
function seconds(ms) {
  return Math.ceil(ms / 1000);
}

module.exports = { policyItem, rateLimit, rateLimitHeaders, seconds, setRateLimit, setRateLimits };
