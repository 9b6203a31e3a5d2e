'use strict';
// Claims that callers put into our own tokens.

const { inputError } = require('../util/errors.js');
const { isPlainObject, jsonValue } = require('../util/input.js');

/** Claims that are set here. */
const OWN_CLAIMS = ['iss', 'sub', 'aud', 'exp', 'nbf', 'iat', 'jti', 'gen', 'lgs'];

/**
 * As JSON.
 * @param {Record<string, any>} own options with claims, and with scope
 * @param {import('../runtime/native-store.js').Engine} engine
 * @param {string} method that sets the rest
 */
function claimsJson({ claims, scope }, { userIdClaim, sessionIdClaim }, method) {
  if (claims === undefined) return undefined;
  if (!isPlainObject(claims)) throw inputError('claims must be a plain object');
  const reserved = [...OWN_CLAIMS, userIdClaim, sessionIdClaim];
  const taken = Object.keys(claims).find((name) => reserved.includes(name));
  if (taken !== undefined) throw inputError(`claims.${taken} is set by ${method} itself: leave it out`);
  if (scope !== undefined && Object.hasOwn(claims, 'scope')) {
    throw inputError('claims.scope and the scope option exclude each other: leave one out');
  }
  jsonValue(claims, 'claims', inputError);
  return JSON.stringify(claims);
}

module.exports = { claimsJson };
