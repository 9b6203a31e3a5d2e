'use strict';
// Brings keys of every form (PEM, JWK, KeyObject) into the two that the addon reads: public JWK and private DER. Which
// key may do what (lengths, curves, alg, use, key_ops) is not decided here. No message holds any part of a key.

const { isKeyObject, isUint8Array } = require('node:util').types;
const { configError } = require('../util/errors.js');
const { isText } = require('../util/input.js');
const { defined } = require('../util/names.js');

/**
 * @typedef {import('node:crypto').KeyObject} KeyObject
 * @typedef {Record<string, unknown>} Jwk
 * @typedef {{ label: string, secret?: Buffer, jwk?: string }} VerificationKey
 * @typedef {{ label: string, secret?: Buffer, der?: Buffer, jwk?: string }} SigningKey
 */

/** Loaded where a key is not just bytes: it takes longer than all the rest of an Auth's start. */
const crypto = () => require('node:crypto');

/** Members of a JWK that say what a key is for; RFC 7517, section 4. The others are taken from the key itself. */
const PURPOSE = ['kid', 'use', 'key_ops', 'alg'];
const MATERIAL = ['crv', 'e', 'kty', 'n', 'x', 'y'];

/**
 * @param {unknown} value
 * @param {string} label the option, or the environment variable
 * @returns {Buffer}
 */
function secretKey(value, label) {
  const valid = typeof value === 'string' ? isText(value) : isUint8Array(value);
  if (valid) return Buffer.from(/** @type {string} */ (value));
  if (isKeyObject(value) && value.type === 'secret') return value.export();
  throw configError(
    `${label} must be a string or a Buffer: a key pair belongs in jwt.publicKey and jwt.privateKey`,
  );
}

/**
 * @param {unknown} value PEM, JWK (object or JSON) or KeyObject
 * @param {string} label
 * @returns {Jwk} the public key
 */
function publicJwk(value, label) {
  const source = readSource(value, label);
  if (isPrivate(source)) {
    throw configError(
      `${label} holds a private key: give the public one here, and the private one as jwt.privateKey`,
    );
  }
  if (isSymmetric(source)) throw configError(`${label} holds a symmetric key: give it as jwt.secret`);
  return { ...material(open(source, label, crypto().createPublicKey)), ...purpose(source, label) };
}

/**
 * @param {unknown} value PEM, JWK (object or JSON) or KeyObject
 * @param {string} label
 * @returns {{ der: Buffer, jwk: Jwk }} the private key, and the public JWK that belongs to it
 */
function privateKey(value, label) {
  const source = readSource(value, label);
  if (isSymmetric(source)) throw configError(`${label} holds a symmetric key: give it as jwt.secret`);
  if (!isPrivate(source))
    throw configError(`${label} does not hold a private key: give one, or leave it out`);
  const key = open(source, label, crypto().createPrivateKey);
  const { key_ops: operations, ...rest } = purpose(source, label);
  if (operations !== undefined && !(/** @type {string[]} */ (operations).includes('sign'))) {
    throw configError(`${label} may not sign: its key_ops lack "sign"`);
  }
  const type = key.asymmetricKeyType === 'rsa' ? 'pkcs1' : 'pkcs8';
  return {
    der: key.export({ format: 'der', type }),
    jwk: { ...material(crypto().createPublicKey(key)), ...rest },
  };
}

/**
 * @param {Jwk} a
 * @param {Jwk} b
 */
function isSameKey(a, b) {
  return MATERIAL.every((member) => a[member] === b[member]);
}

/**
 * RFC 7638: the members that make the key, in the order of their names.
 * @param {Jwk} jwk
 */
function thumbprint(jwk) {
  const members = MATERIAL.filter((member) => jwk[member] !== undefined).map((member) => [
    member,
    jwk[member],
  ]);
  return crypto()
    .createHash('sha256')
    .update(JSON.stringify(Object.fromEntries(members)))
    .digest('base64url');
}

/**
 * @param {unknown} value
 * @param {string} label
 * @returns {KeyObject | Jwk | string} a string is PEM
 */
function readSource(value, label) {
  if (isKeyObject(value)) return value;
  if (typeof value === 'string' || isUint8Array(value)) return readText(Buffer.from(value).toString(), label);
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
  throw configError(`${label} must be PEM, a JWK or a KeyObject`);
}

/**
 * PEM from an environment variable often has its line ends written out as \n: a PEM text holds no other backslash.
 * @param {string} text
 * @param {string} label
 * @returns {Jwk | string}
 */
function readText(text, label) {
  const trimmed = text.trim();
  if (trimmed.includes('-----BEGIN ')) return trimmed.replaceAll('\\n', '\n');
  try {
    const jwk = JSON.parse(trimmed);
    if (typeof jwk === 'object' && jwk !== null && typeof jwk.kty === 'string') return jwk;
  } catch {
    // Reported below, without the parser's message, which quotes the text.
  }
  throw configError(`${label} is neither PEM nor a JWK: give the content of the key file, not its path`);
}

/** @param {KeyObject | Jwk | string} source */
function isPrivate(source) {
  if (isKeyObject(source)) return source.type === 'private';
  return typeof source === 'string'
    ? /-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(source)
    : source.d !== undefined;
}

/** @param {KeyObject | Jwk | string} source */
function isSymmetric(source) {
  if (isKeyObject(source)) return source.type === 'secret';
  return typeof source === 'object' && (source.kty === 'oct' || source.k !== undefined);
}

/**
 * @param {KeyObject | Jwk | string} source
 * @param {string} label
 * @param {(source: any) => KeyObject} create
 */
function open(source, label, create) {
  if (isKeyObject(source)) return source;
  try {
    return create(typeof source === 'string' ? source : { key: source, format: 'jwk' });
  } catch {
    throw configError(
      `${label} cannot be read: it is damaged, encrypted, or of an unknown kind (RSA, EC and Ed25519 work)`,
    );
  }
}

/**
 * The same key, without what generated it: Node.js holds a key's lock while it makes the JWK, and the end of what generated
 * the key, which a collection may bring meanwhile, waits for that lock for ever.
 * @param {KeyObject} key
 */
function copyOf(key) {
  if (key.type === 'secret') return key;
  const { createPrivateKey, createPublicKey } = crypto();
  if (key.type === 'private') {
    const der = key.export({ format: 'der', type: 'pkcs8' });
    return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  }
  return createPublicKey({ key: key.export({ format: 'der', type: 'spki' }), format: 'der', type: 'spki' });
}

/**
 * @param {KeyObject} key
 * @returns {Jwk}
 */
function material(key) {
  try {
    return /** @type {Jwk} */ (copyOf(key).export({ format: 'jwk' }));
  } catch {
    return { kty: key.asymmetricKeyType };
  }
}

/**
 * @param {KeyObject | Jwk | string} source
 * @param {string} label
 * @returns {Jwk}
 */
function purpose(source, label) {
  /** @type {Jwk} */
  const stated = {};
  if (isKeyObject(source) || typeof source === 'string') return stated;
  for (const member of PURPOSE) {
    if (!Object.hasOwn(source, member)) continue;
    // An "alg" or "use" that is lost would let the key do more.
    const value = defined(source[member], `${label}.${member}`, configError);
    const valid = member === 'key_ops' ? Array.isArray(value) && value.every(isText) : isText(value);
    if (!valid)
      throw configError(
        `${label}.${member} must be ${member === 'key_ops' ? 'an array of strings' : 'a string'}`,
      );
    stated[member] = value;
  }
  return stated;
}

module.exports = { isSameKey, privateKey, publicJwk, secretKey, thumbprint };
