'use strict';
// Reads claims from the text of a token that the addon has verified, without further checks. Checks the claims that
// callers put into tokens that this Auth issues.

const { inputError } = require('../util/errors.js');
const { isPlainObject, jsonValue } = require('../util/input.js');

/** @typedef {import('../../../index.js').Claims} Claims */

/** Claims that latchgate sets itself in the tokens that it issues. */
const OWN_CLAIMS = ['iss', 'sub', 'aud', 'exp', 'nbf', 'iat', 'jti', 'gen', 'lgs'];

/**
 * @param {string} token
 * @returns {Claims} frozen all the way down
 */
function decodeClaims(token) {
  const payload = token.slice(token.indexOf('.') + 1, token.lastIndexOf('.'));
  return deepFreeze(JSON.parse(Buffer.from(payload, 'base64url').toString()));
}

/**
 * @template {object} T
 * @param {T} value
 * @returns {T}
 */
function deepFreeze(value) {
  const open = [/** @type {object} */ (value)];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    Object.freeze(next);
    for (const member of Object.values(next)) {
      if (typeof member === 'object' && member !== null) open.push(member);
    }
  }
  return value;
}

/**
 * @param {Claims} claims
 * @param {string} name
 * @returns {unknown} undefined unless the token itself has it; prototypes do not count
 */
function claim(claims, name) {
  return Object.hasOwn(claims, name) ? claims[name] : undefined;
}

/**
 * @param {Claims} claims
 * @param {string} name
 * @returns {string | undefined}
 */
function textClaim(claims, name) {
  const value = claim(claims, name);
  return typeof value === 'string' ? value : undefined;
}

/**
 * The user id: for tokens of another than the first issuer it carries that issuer's name, since two may know the same sub.
 * @param {Claims} claims
 * @param {{ userIdClaim: string, issuers: readonly string[] }} names
 * @returns {string}
 */
function userIdOf(claims, { userIdClaim, issuers }) {
  const userId = textClaim(claims, userIdClaim) ?? '';
  const issuer = textClaim(claims, 'iss');
  return issuers.length > 1 && issuer !== issuers[0] ? `${issuer} ${userId}` : userId;
}

/**
 * The token id: jti, else the hash of what was signed. The signature does not count, since some can be written in two ways.
 * @param {Claims} claims
 * @param {string} token
 * @returns {string}
 */
function tokenIdOf(claims, token) {
  const id = textClaim(claims, 'jti');
  if (id !== undefined) return id;
  const { createHash } = require('node:crypto');
  const input = token.slice(0, token.lastIndexOf('.'));
  return createHash('sha256').update(input).digest('base64url');
}

/**
 * `scope` (RFC 8693 section 4.2), else `scp`: a string with spaces, or a list.
 * @param {Claims} claims
 * @returns {readonly string[]}
 */
function scopesOf(claims) {
  const value = claim(claims, Object.hasOwn(claims, 'scope') ? 'scope' : 'scp');
  const list = typeof value === 'string' ? value.split(' ').filter((scope) => scope !== '') : value;
  const valid = Array.isArray(list) && list.every((scope) => typeof scope === 'string');
  return Object.freeze(valid ? [...list] : []);
}

/**
 * Returns the claims of a caller as JSON, or undefined if there are none.
 * @param {Record<string, any>} own options with claims, and with scope
 * @param {import('../runtime/native-store.js').Engine} engine
 * @param {string} method name of the public method, for messages
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

module.exports = { claim, claimsJson, decodeClaims, deepFreeze, scopesOf, textClaim, tokenIdOf, userIdOf };
