'use strict';
// The charge of a policy. It is checked once per middleware. Functions get the request, and return the owner and the cost.

const { policyItem } = require('../http/rate-limit.js');
const { configError, inputError } = require('../util/errors.js');
const { isId, syncFunction } = require('../util/input.js');
const { known } = require('../util/names.js');
const { MAX_UNITS, RULE_NAMES, isUnits, quotaRule, units } = require('./quota-rule.js');

/**
 * @typedef {import('../binding.js').QuotaConfig} QuotaConfig
 * @typedef {(subject: any) => unknown} Ask
 * @typedef {object} PolicyQuota
 * @property {QuotaConfig} native
 * @property {boolean} isByKey counted by key, also where no key comes
 * @property {string} item of the RateLimit-Policy header
 * @property {Ask | undefined} askHolder
 * @property {Ask | undefined} askCost
 * @property {Ask | undefined} askIdempotencyKey
 * @property {((res: any) => unknown) | undefined} refundOn
 */

const NAMES = [...RULE_NAMES, 'by', 'cost', 'idempotencyKey', 'refundOn', 'name'];

/** As the addon counts them. */
const USER = 0;
const SESSION = 1;
const NAMED = 2;
const KEY = 3;
const HOLDERS = new Map([
  ['user', USER],
  ['api-key', KEY],
  ['session', SESSION],
]);

/** How a key's own quota is called in the RateLimit headers. */
const OWN = 'api-key';

/** The text of a quoted string in a header: RFC 9651 section 3.3.3 without escapes. */
const NAME = /^[\x20-\x21\x23-\x5b\x5d-\x7e]{1,64}$/;

/**
 * @param {unknown} value
 * @param {boolean} hasResponse whether a response exists whose end may refund a charge
 * @param {boolean} takesKeys API keys are accepted
 * @returns {PolicyQuota | undefined}
 */
function compileQuota(value, hasResponse, takesKeys) {
  if (value === undefined) return undefined;
  const own = known(value, NAMES, 'quota', configError);
  const { name = 'default', by = 'api-key', cost } = own;
  if (typeof name !== 'string' || !NAME.test(name)) {
    throw configError(
      'quota.name must be a string of 1 to 64 printable ASCII characters without quotes and backslashes',
    );
  }
  if (name === OWN && takesKeys)
    throw configError(
      `quota.name '${OWN}' is how answers call the quota that a key has of its own: take another`,
    );
  const fixed = cost === undefined || typeof cost === 'function' ? 1 : units(cost, 'quota.cost', configError);
  const refundOn = syncFunction(own.refundOn, 'quota.refundOn', configError);
  const refundable = hasResponse && refundOn !== undefined;
  const rule = quotaRule(own, 'quota', configError);
  const native = { name, holder: holder(by, takesKeys), cost: fixed, refundable, ...rule };
  return {
    native,
    isByKey: by === 'api-key',
    item: policyItem(native),
    askHolder: typeof by === 'function' ? syncFunction(by, 'quota.by', configError) : undefined,
    askCost: typeof cost === 'function' ? syncFunction(cost, 'quota.cost', configError) : undefined,
    askIdempotencyKey: syncFunction(own.idempotencyKey, 'quota.idempotencyKey', configError),
    refundOn,
  };
}

/**
 * A request without a key is counted by user instead of by key.
 * @param {unknown} by
 * @param {boolean} takesKeys
 */
function holder(by, takesKeys) {
  const number = typeof by === 'function' ? NAMED : HOLDERS.get(/** @type {string} */ (by));
  if (number === undefined)
    throw configError("quota.by must be 'user', 'session', 'api-key' or a function of the request");
  return number === KEY && !takesKeys ? USER : number;
}

/**
 * A name has one quota: two rules with one name would count the charges of both.
 * @param {Map<string, PolicyQuota>} names of this Auth's quotas
 * @param {PolicyQuota} quota
 */
function takeName(names, quota) {
  const { native } = quota;
  const known = names.get(native.name) ?? quota;
  const other = known.native;
  const sameHolder = other.holder === native.holder || (known.isByKey && quota.isByKey);
  if (
    other.limit !== native.limit ||
    !Object.is(other.windowMs, native.windowMs) ||
    other.bucket !== native.bucket ||
    !sameHolder
  ) {
    throw configError(
      'quota.name names another quota of this Auth already, with another limit, window, algorithm or by: give ' +
        'this one a name of its own',
    );
  }
  // A policy without keys that counts by key leaves open which of the two quotas the name means.
  const isOpen = known.isByKey && other.holder === USER;
  names.set(native.name, isOpen ? quota : known);
}

/**
 * @param {PolicyQuota} quota
 * @param {unknown} subject the request, or the context of authenticate()
 * @returns {string | undefined} whose quota it is, where a function says so
 */
function holderOf({ askHolder }, subject) {
  if (askHolder === undefined) return undefined;
  const named = askHolder(subject);
  if (isId(named)) return named;
  throw inputError(
    'quota.by must return a well-formed string of 1 to 512 bytes, and no promise: without one the request would ' +
      'be charged to a quota that others share',
  );
}

/**
 * @param {PolicyQuota} quota
 * @param {unknown} subject the request, or the context of authenticate()
 * @returns {number} NaN: the policy's own
 */
function costOf({ askCost }, subject) {
  if (askCost === undefined) return NaN;
  const asked = askCost(subject);
  if (isUnits(asked, 0)) return asked;
  throw inputError(`quota.cost must return an integer from 0 to ${MAX_UNITS}, and no promise`);
}

/**
 * @param {PolicyQuota} quota
 * @param {unknown} subject the request, or the context of authenticate()
 * @returns {string | undefined} under which it is charged once
 */
function idempotencyKeyOf({ askIdempotencyKey }, subject) {
  const key = askIdempotencyKey?.(subject);
  if (key === undefined || isId(key)) return key;
  throw inputError(
    'quota.idempotencyKey must return a well-formed string of 1 to 512 bytes, or undefined, and no promise',
  );
}

module.exports = { OWN, compileQuota, costOf, holderOf, idempotencyKeyOf, takeName };
