'use strict';
// AuthOptions, checked whole before anything is opened: unknown names, shapes, ranges, and what is not built yet.

const { HOUR, duration } = require('./duration.js');
const { configError, unbuiltError } = require('./errors.js');
const { env } = require('./env.js');
const { isText } = require('./input.js');
const { jwtOptions } = require('./jwt-options.js');
const { known } = require('./names.js');
const { POLICY_NAMES } = require('./policy.js');
const { sessionOptions } = require('./session-options.js');

const NAMES = ['store', 'jwt', 'sessions', 'apiKeys', 'refresh', 'onStoreError', 'mode', 'realm'];
const STORE_NAMES = ['url', 'prefix', 'commandTimeout', 'connectTimeout', 'acks', 'strict'];
const CHECKS = ['revocation', 'sessions', 'quota'];

/** Store schemes of the contract that have no store behind them yet. */
const UNBUILT_STORES = ['redis', 'rediss', 'redis+unix', 'redis-cluster', 'redis-sentinel'];

/** @param {string[]} names @param {string} place @returns {Array<[string, string]>} */
const within = (names, place) => names.map((name) => [name, `${place}.${name}`]);

/** Where options belong that are often written one level too high. */
const ELSEWHERE = new Map([
  ...within(
    ['secret', 'publicKey', 'privateKey', 'jwks', 'jwksUri', 'algorithms', 'issuer', 'audience'],
    'jwt',
  ),
  ...within(['clockTolerance', 'maxAge', 'requiredClaims', 'claims', 'accessTtl'], 'jwt'),
  ...within(['limit', 'onLimit', 'idleTimeout', 'absoluteTimeout', 'admission'], 'sessions'),
  ...within(['url', 'commandTimeout', 'connectTimeout'], 'store'),
  ...POLICY_NAMES.map((name) => /** @type {[string, string]} */ ([name, `auth.middleware({ ${name} })`])),
]);

/** @typedef {ReturnType<typeof authOptions>} Settings */

/**
 * @param {unknown} options
 * @param {'explicit' | 'first-use'} admission of sessions where none is named
 */
function authOptions(options, admission) {
  const own = known(options, NAMES, '', configError, ELSEWHERE);
  refuseUnbuilt(own);
  return {
    store: storeUrl(own.store),
    realm: realm(own.realm ?? 'api'),
    jwt: jwtOptions(own.jwt),
    sessions: sessionOptions(own.sessions, admission),
  };
}

/** @param {Record<string, any>} own */
function refuseUnbuilt({ apiKeys, refresh, mode, onStoreError }) {
  if (apiKeys !== undefined) throw unbuiltError('apiKeys');
  if (refresh !== undefined) throw unbuiltError('refresh');
  if (mode === 'observe') throw unbuiltError("mode 'observe'");
  if (mode !== undefined && mode !== 'enforce') throw configError("mode must be 'enforce' or 'observe'");
  if (onStoreError !== undefined) checkStoreError(onStoreError);
}

/** @param {unknown} value */
function checkStoreError(value) {
  const answers =
    typeof value === 'string' ? { '': value } : known(value, CHECKS, 'onStoreError', configError);
  for (const [check, answer] of Object.entries(answers)) {
    const name = check === '' ? 'onStoreError' : `onStoreError.${check}`;
    if (answer === 'allow') throw unbuiltError(`${name}: 'allow'`);
    if (answer !== 'deny') throw configError(`${name} must be 'deny' or 'allow'`);
  }
}

/**
 * @param {unknown} value
 * @returns {string}
 */
function storeUrl(value) {
  if (value === undefined || typeof value === 'string')
    return checkUrl(value ?? env('LATCHGATE_STORE') ?? 'memory:');
  const store = known(value, STORE_NAMES, 'store', configError);
  const url = checkUrl(store.url ?? env('LATCHGATE_STORE') ?? 'memory:');
  for (const name of ['acks', 'strict']) {
    if (store[name] !== undefined) throw unbuiltError(`store.${name}`);
  }
  for (const name of ['commandTimeout', 'connectTimeout']) {
    if (store[name] !== undefined) duration(store[name], `store.${name}`, { min: 1, max: HOUR }, configError);
  }
  checkPrefix(store.prefix, url);
  return url;
}

/**
 * No part of the URL but its scheme is repeated in a message: it may hold a password.
 * @param {unknown} url
 * @returns {string}
 */
function checkUrl(url) {
  const scheme =
    typeof url === 'string' && isText(url) ? (/^([a-z][a-z0-9+-]{0,31}):/i.exec(url)?.[1] ?? '') : '';
  if (UNBUILT_STORES.includes(scheme)) throw unbuiltError(`store '${scheme}:'`);
  // The stores named test- are in the test build of the addon alone; every other build refuses them itself.
  if (scheme === 'memory' || scheme.startsWith('test-')) return /** @type {string} */ (url);
  throw configError("store must be 'memory:' or 'memory:name'");
}

/**
 * An unnamed store belongs to one Auth and needs no prefix; a named one would be shared in spite of it.
 * @param {unknown} prefix
 * @param {string} url
 */
function checkPrefix(prefix, url) {
  if (prefix === undefined) return;
  if (!isText(prefix) || prefix === '') throw configError('store.prefix must be a non-empty string');
  if (url !== 'memory:')
    throw configError("store.prefix has no meaning for an embedded store: put it into 'memory:name'");
}

/**
 * It stands between quotes in a header: RFC 9110 section 5.6.4 without the escapes, which clients read differently.
 * @param {unknown} value
 * @returns {string}
 */
function realm(value) {
  if (typeof value === 'string' && value.length <= 256 && /^[\x20-\x21\x23-\x5b\x5d-\x7e]+$/.test(value))
    return value;
  throw configError(
    'realm must be a string of 1 to 256 printable ASCII characters without quotes and backslashes',
  );
}

module.exports = { AUTH_NAMES: NAMES, ELSEWHERE, authOptions };
