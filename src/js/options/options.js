'use strict';
// AuthOptions, checked whole before anything is opened: unknown names, shapes, ranges.

const { POLICY_NAMES } = require('../policy/policy.js');
const { configError } = require('../util/errors.js');
const { known } = require('../util/names.js');
const { jwtOptions } = require('./jwt-options.js');
const { keyOptions } = require('./key-options.js');
const { refreshOptions } = require('./refresh-options.js');
const { sessionOptions } = require('./session-options.js');
const { lenience, storeOptions } = require('./store-options.js');

const NAMES = ['store', 'jwt', 'sessions', 'apiKeys', 'refresh', 'onStoreError', 'mode', 'realm'];

/** @param {string[]} names @param {string} place @returns {Array<[string, string]>} */
const within = (names, place) => names.map((name) => [name, `${place}.${name}`]);

/** The right place of options that are often written one level too high. */
const ELSEWHERE = new Map([
  ...within(
    ['secret', 'publicKey', 'privateKey', 'jwks', 'jwksUri', 'algorithms', 'issuer', 'audience'],
    'jwt',
  ),
  ...within(['clockTolerance', 'issuerClockLead', 'maxAge', 'requiredClaims', 'claims', 'accessTtl'], 'jwt'),
  ...within(['limit', 'hardLimit', 'onLimit', 'idleTimeout', 'absoluteTimeout', 'admission'], 'sessions'),
  ...within(['graceWindow'], 'refresh'),
  ...within(['url', 'commandTimeout', 'connectTimeout'], 'store'),
  ...POLICY_NAMES.map((name) => /** @type {[string, string]} */ ([name, `auth.middleware({ ${name} })`])),
]);

/** @typedef {ReturnType<typeof authOptions>} Settings */

/**
 * @param {unknown} options
 * @param {'explicit' | 'first-use'} admission the default admission of sessions
 */
function authOptions(options, admission) {
  const own = known(options, NAMES, '', configError, { elsewhere: ELSEWHERE });
  const sessions = sessionOptions(own.sessions, admission);
  const keys = keyOptions(own.apiKeys);
  const jwt = jwtOptions(own.jwt);
  const hasKey = jwt.keys.length > 0 || jwt.fetchedKeys;
  return {
    store: storeOptions(own.store),
    lenience: lenience(own.onStoreError),
    realm: realm(own.realm ?? 'api'),
    keys,
    jwt,
    /** A key for tokens is configured. */
    hasKey,
    /** The kinds that a policy without `credentials` accepts. */
    kinds: { bearer: hasKey || !keys.given, keys: keys.given },
    sessions,
    refresh: refreshOptions(own.refresh, sessions.absoluteMs),
    observe: observes(own.mode),
  };
}

/** @param {boolean} hasKey of Settings */
function assertKey(hasKey) {
  if (hasKey) return;
  throw configError(
    'no key to verify tokens with: set jwt.secret, jwt.publicKey, jwt.jwks or jwt.jwksUri, or the environment ' +
      'variable LATCHGATE_JWT_SECRET, LATCHGATE_JWT_PUBLIC_KEY or LATCHGATE_JWKS_URI',
  );
}

/** @param {unknown} mode */
function observes(mode) {
  if (mode !== undefined && mode !== 'enforce' && mode !== 'observe')
    throw configError("mode must be 'enforce' or 'observe'");
  return mode === 'observe';
}

/**
 * The text of a quoted string in a header: RFC 9110 section 5.6.4 without escapes, which clients read differently.
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

module.exports = { AUTH_NAMES: NAMES, ELSEWHERE, assertKey, authOptions };
