'use strict';
// The `jwt` option: its keys, and which claims a token must carry.

const { KEY_NAMES, keyRing } = require('../keys/signing-keys.js');
const { HOUR, SECOND, YEAR, duration } = require('../util/duration.js');
const { env } = require('../util/env.js');
const { configError } = require('../util/errors.js');
const { isId, isText } = require('../util/input.js');
const { known } = require('../util/names.js');

const NAMES = [
  ...KEY_NAMES,
  'algorithms',
  'issuer',
  'audience',
  'clockTolerance',
  'issuerClockLead',
  'maxAge',
  'requiredClaims',
  'claims',
  'accessTtl',
];

/** RFC 7518 section 3.1 and RFC 8037 section 3.1, without 'none' and ES512. */
const ALGORITHMS = [
  'HS256',
  'HS384',
  'HS512',
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'EdDSA',
];

/** Claims that latchgate reads itself, and that can therefore name neither a user nor a session. */
const RESERVED = ['exp', 'nbf', 'iat', 'iss', 'aud', 'jti', 'gen', 'lgs', 'scope', 'scp'];

/** @param {unknown} options */
function jwtOptions(options) {
  const jwt = known(options ?? {}, NAMES, 'jwt', configError);
  const { keys, signing, keySet = false, keysUri } = keyRing(jwt);
  const maxAgeMs = duration(jwt.maxAge ?? '24h', 'jwt.maxAge', { min: SECOND, max: 200 * YEAR }, configError);
  const claims = known(jwt.claims ?? {}, ['userId', 'sessionId'], 'jwt.claims', configError);
  return {
    keys,
    keySet,
    keysUri,
    fetchedKeys: keysUri !== undefined,
    signing,
    algorithms: algorithms(jwt.algorithms),
    issuers: issuers(jwt.issuer ?? env('LATCHGATE_ISSUER')),
    audiences: texts(jwt.audience ?? env('LATCHGATE_AUDIENCE'), 'jwt.audience'),
    requiredClaims: requiredClaims(jwt.requiredClaims),
    ...identityClaims(claims.userId ?? 'sub', claims.sessionId ?? 'sid'),
    clockToleranceMs: duration(
      jwt.clockTolerance ?? 0,
      'jwt.clockTolerance',
      { min: 0, max: HOUR },
      configError,
    ),
    issuerLeadMs: issuerLead(jwt.issuerClockLead),
    maxAgeMs,
    accessTtlMs: accessTtl(jwt.accessTtl, maxAgeMs),
  };
}

/**
 * @param {unknown} value
 * @returns {number} NaN: as much as was observed
 */
function issuerLead(value = 'observed') {
  if (value === 'observed') return NaN;
  return duration(value, 'jwt.issuerClockLead', { min: 0, max: HOUR }, (message) =>
    configError(`${message}, or 'observed'`),
  );
}

/** @param {unknown} value */
function algorithms(value) {
  if (value === undefined) return undefined;
  const names = Array.isArray(value) ? Array.from(value) : [];
  if (names.length > 0 && names.every((name) => ALGORITHMS.includes(name))) return names;
  throw configError(`jwt.algorithms must be an array of one or more of ${ALGORITHMS.join(', ')}`);
}

/**
 * One text or a list of them. An empty list is refused: it would read as a check, and check nothing.
 * @param {unknown} value
 * @param {string} name
 * @returns {string[]}
 */
function texts(value, name) {
  if (value === undefined) return [];
  const list = Array.isArray(value) ? [...value] : [value];
  if (list.length === 0 || !list.every(isId)) {
    throw configError(`${name} must be a well-formed string of 1 to 512 bytes, or an array of one or more`);
  }
  return list;
}

/**
 * With several issuers, a space ends the issuer in a user id (see docs/layout.md). So an issuer may not contain a space.
 * @param {unknown} value
 */
function issuers(value) {
  const list = texts(value, 'jwt.issuer');
  if (list.length > 1 && list.some((issuer) => issuer.includes(' ')))
    throw configError('jwt.issuer lists several: none of them may hold a space');
  return list;
}

/** @param {unknown} value */
function requiredClaims(value) {
  if (value === undefined) return [];
  if (Array.isArray(value) && value.every((name) => isText(name) && name !== '')) return [...value];
  throw configError('jwt.requiredClaims must be an array of claim names');
}

/**
 * @param {unknown} userId
 * @param {unknown} sessionId
 */
function identityClaims(userId, sessionId) {
  for (const [name, claim] of Object.entries({ userId, sessionId })) {
    if (!isText(claim) || claim === '' || RESERVED.includes(/** @type {string} */ (claim))) {
      throw configError(`jwt.claims.${name} must be the name of a claim other than ${RESERVED.join(', ')}`);
    }
  }
  if (userId === sessionId)
    throw configError('jwt.claims.sessionId must be another claim than jwt.claims.userId');
  return { userIdClaim: /** @type {string} */ (userId), sessionIdClaim: /** @type {string} */ (sessionId) };
}

/**
 * @param {unknown} value
 * @param {number} maxAgeMs
 */
function accessTtl(value, maxAgeMs) {
  if (value === undefined) return Math.min(15 * 60 * SECOND, maxAgeMs);
  const ttl = duration(value, 'jwt.accessTtl', { min: 1, max: 200 * YEAR }, configError);
  if (ttl > maxAgeMs)
    throw configError('jwt.accessTtl must not be longer than jwt.maxAge: its tokens would be refused');
  return ttl;
}

module.exports = { jwtOptions };
