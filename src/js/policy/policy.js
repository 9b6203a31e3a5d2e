'use strict';
// The policy of one middleware: checked once, and prepared so that a request only reads it.

const { withKinds, withScope } = require('../http/denial.js');
const { configError } = require('../util/errors.js');
const { flag, scopes, syncFunction } = require('../util/input.js');
const { known } = require('../util/names.js');
const { compileQuota, takeName } = require('./policy-quota.js');

/**
 * @typedef {import('../http/denial.js').Answer} Answer
 * @typedef {import('../http/denial.js').Kinds} Kinds
 * @typedef {object} Compiled
 * @property {readonly string[]} scopes
 * @property {import('./policy-quota.js').PolicyQuota | undefined} quota
 * @property {number} id in the addon; NO_ID if it is not registered there
 * @property {number} uses while it is not registered
 * @property {number} handle gate and policy in one number, for a question without functions
 * @property {boolean} asksFirst functions are called, for which the token must be verified first
 * @property {boolean} bearer tokens are accepted
 * @property {boolean} keys API keys are accepted
 * @property {readonly Answer[]} answers by reason code
 * @property {((req: any) => unknown) | undefined} getToken
 * @property {boolean} optional
 * @property {string} property of the request
 * @property {import('../http/denial.js').OnDeny | undefined} onDeny
 * @property {((req: any) => unknown) | undefined} skip
 */

const NAMES = ['credentials', 'getToken', 'optional', 'scope', 'quota', 'requestProperty', 'onDeny', 'skip'];
const NO_ID = -1;
const PROPERTY = 'auth';

/** The right place of options that users of express-jwt, or of this package, write here. */
const ELSEWHERE = new Map([['credentialsRequired', 'optional']]);

/** The members that Express adds to a request. */
const EXPRESS_REQUEST = [
  'app',
  'baseUrl',
  'body',
  'cookies',
  'fresh',
  'get',
  'header',
  'host',
  'hostname',
  'ip',
  'ips',
  'is',
  'accepts',
  'acceptsCharsets',
  'acceptsEncoding',
  'acceptsEncodings',
  'acceptsLanguages',
  'param',
  'range',
  'next',
  'originalUrl',
  'params',
  'path',
  'protocol',
  'query',
  'res',
  'route',
  'secure',
  'signedCookies',
  'stale',
  'subdomains',
  'xhr',
];

/**
 * Checks the options of a policy. Needs no engine, so it can run before a store is opened.
 * @param {unknown} options
 * @param {Kinds} usual the default kinds of credentials
 * @param {boolean} hasResponse whether a response exists whose end may refund a charge
 */
function checkPolicy(options, usual, hasResponse) {
  const policy = known(options, NAMES, '', configError, { elsewhere: ELSEWHERE });
  const kinds = credentialKinds(policy.credentials, usual);
  return {
    scopes: policy.scope === undefined ? [] : scopes(policy.scope, 'scope', configError),
    quota: compileQuota(policy.quota, hasResponse, kinds.keys),
    ...kinds,
    getToken: syncFunction(policy.getToken, 'getToken', configError),
    optional: flag(policy.optional, 'optional', false, configError),
    property: property(policy.requestProperty ?? PROPERTY),
    onDeny: onDeny(policy.onDeny),
    skip: syncFunction(policy.skip, 'skip', configError),
  };
}

/**
 * @param {unknown} options
 * @param {import('../runtime/native-store.js').Engine} engine
 * @param {boolean} register in the addon: for what lives as long as the Auth
 * @returns {Compiled}
 */
function compilePolicy(options, engine, register) {
  const checked = checkPolicy(options, engine.kinds, register);
  const { scopes: demanded, quota } = checked;
  const compiled = {
    ...checked,
    asksFirst: asksFirst(engine, quota),
    answers: answersWith(engine, checked, demanded),
  };
  if (quota !== undefined) takeName(engine.quotas, quota);
  const isKnown = register || (demanded.length === 0 && quota === undefined);
  const unregistered = { ...compiled, uses: 1, id: NO_ID, handle: NaN };
  return isKnown ? registered(unregistered, engine) : unregistered;
}

/**
 * Returns the same policy, registered with the addon.
 * @param {Compiled} compiled
 * @param {import('../runtime/native-store.js').Engine} engine
 * @returns {Compiled}
 */
function registered(compiled, engine) {
  const id = engine.registerPolicy([...compiled.scopes], compiled.quota?.native);
  return { ...compiled, id, handle: engine.gateNumber * 2 ** 24 + id * 4 };
}

/**
 * @param {import('../runtime/native-store.js').Engine} engine
 * @param {Kinds} kinds
 * @param {readonly string[]} demanded
 */
function answersWith({ answers, realm, kinds: usual }, kinds, demanded) {
  const own = kinds.bearer === usual.bearer && kinds.keys === usual.keys;
  if (own && demanded.length === 0) return answers;
  return answers.map((answer) => {
    if (answer.code === 'credentials_required') return withKinds(answer, realm, kinds);
    return answer.code === 'insufficient_scope' && demanded.length > 0 ? withScope(answer, demanded) : answer;
  });
}

/**
 * @param {import('../runtime/native-store.js').Engine} engine
 * @param {import('./policy-quota.js').PolicyQuota | undefined} quota
 */
function asksFirst({ limitFunction }, quota) {
  const functions = [limitFunction, quota?.askHolder, quota?.askCost, quota?.askIdempotencyKey];
  return functions.some((ask) => ask !== undefined);
}

/**
 * @param {unknown} value
 * @param {Kinds} usual the configured kinds
 * @returns {Kinds}
 */
function credentialKinds(value, usual) {
  if (value === undefined) return usual;
  if (
    !Array.isArray(value) ||
    value.length === 0 ||
    !value.every((kind) => kind === 'bearer' || kind === 'api-key')
  ) {
    throw configError("credentials must be an array of 'bearer' and 'api-key'");
  }
  return { bearer: value.includes('bearer'), keys: value.includes('api-key') };
}

/** Whether Node keeps it on a request. @param {string} name */
function isOfNode(name) {
  const { IncomingMessage } = require('node:http');
  return name in new IncomingMessage(/** @type {any} */ (undefined));
}

/** @param {unknown} value */
function property(value) {
  if (value === PROPERTY) return value;
  const valid = typeof value === 'string' && value !== '';
  if (valid && !EXPRESS_REQUEST.includes(value) && !isOfNode(value)) return value;
  throw configError('requestProperty must be the name of a property that the request does not have yet');
}

/** @param {unknown} value */
function onDeny(value) {
  if (value !== undefined && typeof value !== 'function') throw configError('onDeny must be a function');
  return /** @type {import('../http/denial.js').OnDeny | undefined} */ (value);
}

module.exports = {
  POLICY_ELSEWHERE: ELSEWHERE,
  NO_ID,
  POLICY_NAMES: NAMES,
  checkPolicy,
  compilePolicy,
  registered,
};
