// Tokens made with node:crypto alone, so that what the addon accepts does not depend on what it signs itself.
'use strict';

const crypto = require('node:crypto');

const SECRET = 'a test secret that is long enough for HS512, which asks for 64 bytes or more';

const HASHES = new Map([
  ['256', 'sha256'],
  ['384', 'sha384'],
  ['512', 'sha512'],
]);

/**
 * A key as JWK, made from a copy: see copyOf() of src/js/keys/keys.js.
 * @param {crypto.KeyObject} key
 * @returns {any}
 */
function jwkOf(key) {
  const isPrivate = key.type === 'private';
  const der = isPrivate
    ? key.export({ format: 'der', type: 'pkcs8' })
    : key.export({ format: 'der', type: 'spki' });
  const copy = isPrivate
    ? crypto.createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
    : crypto.createPublicKey({ key: der, format: 'der', type: 'spki' });
  return copy.export({ format: 'jwk' });
}

/** @param {unknown} value */
const segment = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');

/**
 * @param {string} alg
 * @param {any} key
 * @param {string} input
 * @returns {Buffer}
 */
function signature(alg, key, input) {
  const hash = /** @type {string} */ (HASHES.get(alg.slice(2)));
  const bytes = Buffer.from(input);
  if (alg.startsWith('HS')) return crypto.createHmac(hash, key).update(bytes).digest();
  if (alg === 'EdDSA') return crypto.sign(null, bytes, key);
  if (alg.startsWith('ES')) return crypto.sign(hash, bytes, { key, dsaEncoding: 'ieee-p1363' });
  if (alg.startsWith('PS')) {
    const padding = crypto.constants.RSA_PKCS1_PSS_PADDING;
    return crypto.sign(hash, bytes, { key, padding, saltLength: crypto.constants.RSA_PSS_SALTLEN_DIGEST });
  }
  return crypto.sign(hash, bytes, key);
}

/**
 * Signs exactly these claims.
 * @param {object} claims
 * @param {{ key?: any, alg?: string, header?: object }} [options] `header`: further members, or others
 */
function sign(claims, { key = SECRET, alg = 'HS256', header = {} } = {}) {
  const input = `${segment({ alg, typ: 'JWT', ...header })}.${segment(claims)}`;
  return `${input}.${signature(alg, key, input).toString('base64url')}`;
}

/**
 * Claims that stand: issued now, for an hour, with an id of their own.
 * @param {object} [claims]
 * @param {number} [nowMs]
 */
function fresh(claims = {}, nowMs = Date.now()) {
  const iat = Math.floor(nowMs / 1000);
  return { sub: 'user', iat, exp: iat + 3600, jti: crypto.randomUUID(), ...claims };
}

/**
 * @param {object} [claims]
 * @param {Parameters<typeof sign>[1]} [options]
 */
const token = (claims, options) => sign(fresh(claims), options);

/** @param {string} text @returns {any} the claims, unverified */
const read = (text) => JSON.parse(Buffer.from(text.split('.')[1], 'base64url').toString());

module.exports = { SECRET, fresh, jwkOf, read, segment, sign, token };
