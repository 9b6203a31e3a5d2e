'use strict';
// Which keys verify and which one signs: one secret, one key pair or a half of it, or a set, from options or environment.

const { env } = require('../util/env.js');
const { configError } = require('../util/errors.js');
const { defined } = require('../util/names.js');
const { endpoint, isForeign } = require('./jwks-endpoint.js');
const { isSameKey, privateKey, publicJwk, secretKey, thumbprint } = require('./keys.js');

/**
 * @typedef {import('./keys.js').Jwk} Jwk
 * @typedef {import('./keys.js').VerificationKey} VerificationKey
 * @typedef {import('./keys.js').SigningKey} SigningKey
 * @typedef {ReturnType<typeof privateKey>} OwnKey
 * @typedef {{ keys: VerificationKey[], signing?: SigningKey, keySet?: boolean, keysUri?: string }} ApiKeySet
 */

const KEY_NAMES = ['secret', 'publicKey', 'privateKey', 'jwks', 'jwksUri'];

/**
 * @param {Record<string, any>} jwt
 * @returns {ApiKeySet}
 */
function keyRing(jwt) {
  const given = KEY_NAMES.filter((name) => jwt[name] !== undefined);
  if (given.length === 0) return environmentKeys();
  if (jwt.secret !== undefined) {
    if (given.length > 1)
      throw configError(`jwt.secret and jwt.${given[1]} exclude each other: give one kind of key`);
    return secretRing(jwt.secret, 'jwt.secret');
  }
  if (jwt.publicKey !== undefined && jwt.jwks !== undefined) {
    throw configError('jwt.publicKey and jwt.jwks exclude each other: put the public key into the set');
  }
  const other = jwt.jwks === undefined ? 'publicKey' : 'jwks';
  if (jwt.jwksUri !== undefined && jwt[other] !== undefined) {
    throw configError(`jwt.jwksUri and jwt.${other} exclude each other: give one kind of key`);
  }
  const own = jwt.privateKey === undefined ? undefined : privateKey(jwt.privateKey, 'jwt.privateKey');
  if (jwt.jwksUri !== undefined) return fetchedRing(jwt.jwksUri, 'jwt.jwksUri', own);
  if (jwt.jwks !== undefined) return setRing(jwt.jwks, own);
  return own === undefined ? publicRing(jwt.publicKey, 'jwt.publicKey') : pairRing(jwt.publicKey, own);
}

/** @returns {ApiKeySet} */
function environmentKeys() {
  const secret = env('LATCHGATE_JWT_SECRET');
  const key = env('LATCHGATE_JWT_PUBLIC_KEY');
  const uri = env('LATCHGATE_JWKS_URI');
  const given = [
    secret !== undefined && 'LATCHGATE_JWT_SECRET',
    key !== undefined && 'LATCHGATE_JWT_PUBLIC_KEY',
    uri !== undefined && 'LATCHGATE_JWKS_URI',
  ].filter(Boolean);
  if (given.length > 1) {
    throw configError(`${given[0]} and ${given[1]} exclude each other: unset one`);
  }
  if (uri !== undefined) return fetchedRing(uri, 'LATCHGATE_JWKS_URI', undefined);
  if (secret !== undefined) return secretRing(secret, 'LATCHGATE_JWT_SECRET');
  return key === undefined ? { keys: [] } : publicRing(key, 'LATCHGATE_JWT_PUBLIC_KEY');
}

/**
 * @param {unknown} value
 * @param {string} label
 * @returns {ApiKeySet}
 */
function secretRing(value, label) {
  const secret = secretKey(value, label);
  return { keys: [{ label, secret }], signing: { label, secret } };
}

/**
 * @param {unknown} value
 * @param {string} label
 * @returns {ApiKeySet}
 */
function publicRing(value, label) {
  return { keys: [{ label, jwk: JSON.stringify(publicJwk(value, label)) }] };
}

/**
 * A private key, with the public one that verifies, or with its own public half.
 * @param {unknown} publicKey
 * @param {OwnKey} own
 * @returns {ApiKeySet}
 */
function pairRing(publicKey, own) {
  const label = publicKey === undefined ? 'jwt.privateKey' : 'jwt.publicKey';
  const shown = publicKey === undefined ? own.jwk : publicJwk(publicKey, label);
  if (!isSameKey(shown, own.jwk))
    throw configError('jwt.publicKey does not belong to jwt.privateKey: give a pair');
  return { keys: [{ label, jwk: JSON.stringify(shown) }], signing: signingKey(own, shown) };
}

/**
 * @param {unknown} jwks
 * @param {OwnKey | undefined} own the addon adds it, unless the set contains it
 * @returns {ApiKeySet}
 */
function setRing(jwks, own) {
  const given = /** @type {{ keys?: unknown }} */ (Object(jwks));
  const keys = Object.hasOwn(given, 'keys') ? defined(given.keys, 'jwt.jwks.keys', configError) : undefined;
  if (!Array.isArray(keys) || keys.length === 0) {
    throw configError('jwt.jwks must be { keys: [ … ] } with one key or more');
  }
  const set = Array.from(keys, (key, index) => {
    const label = `jwt.jwks.keys[${index}]`;
    return { label, jwk: isForeign(key) ? { kty: key.kty } : publicJwk(key, label) };
  });
  const signing =
    own &&
    memberKey(
      set.map(({ jwk }) => jwk),
      own,
    );
  return { keySet: true, keys: set.map(({ label, jwk }) => ({ label, jwk: JSON.stringify(jwk) })), signing };
}

/**
 * Of a set that will be fetched nothing is known but our own key: it is found by its kid, or by its thumbprint (RFC 7638).
 * @param {unknown} uri
 * @param {string} label
 * @param {OwnKey | undefined} own
 * @returns {ApiKeySet}
 */
function fetchedRing(uri, label, own) {
  const keysUri = endpoint(uri, label);
  const signing = own && signingKey(own, { ...own.jwk, kid: own.jwk.kid ?? thumbprint(own.jwk) });
  return { keySet: true, keys: [], signing, keysUri };
}

/**
 * A set is searched by kid, so that our own key must be known by one: its own, or, where it joins, its thumbprint (RFC 7638).
 * @param {Jwk[]} set
 * @param {OwnKey} own
 * @returns {SigningKey}
 */
function memberKey(set, own) {
  const member = set.find((jwk) => isSameKey(jwk, own.jwk));
  const shown = member ?? own.jwk;
  if (own.jwk.kid !== undefined) shown.kid ??= own.jwk.kid;
  if (member === undefined) shown.kid ??= thumbprint(own.jwk);
  const rivals = set.filter((jwk) => jwk !== member && jwk.kty === shown.kty && jwk.crv === shown.crv);
  if (rivals.some(({ kid }) => shown.kid === undefined || kid === shown.kid)) {
    throw configError('jwt.privateKey is indistinguishable from a key of jwt.jwks: give each its own "kid"');
  }
  return signingKey(own, shown);
}

/**
 * @param {OwnKey} own
 * @param {import('./keys.js').Jwk} shown the public key as verifiers know it, with its kid and alg
 * @returns {SigningKey}
 */
function signingKey(own, shown) {
  for (const member of ['kid', 'alg']) {
    if (own.jwk[member] !== undefined && shown[member] !== undefined && own.jwk[member] !== shown[member]) {
      throw configError(`jwt.privateKey and its public key disagree on "${member}": make them the same`);
    }
  }
  return {
    label: 'jwt.privateKey',
    der: own.der,
    jwk: JSON.stringify({ ...shown, ...own.jwk, key_ops: undefined }),
  };
}

module.exports = { KEY_NAMES, keyRing };
