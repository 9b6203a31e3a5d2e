'use strict';
// Those who verify tokens, each with its key prepared beforehand where it lets one, and without a memory of tokens.

const crypto = require('node:crypto');
const { createAuth } = require('../../src/js/index.js');
const { Engine } = require('../../src/js/runtime/native-store.js');
const { authOptions } = require('../../src/js/options/options.js');

/** The token itself, not a header that holds it. */
const BARE = 1;

/**
 * `verify` answers with claims, or with anything else where it refuses, and may throw.
 * @typedef {{ verify: (token: string) => unknown, isAsync?: boolean }} Verifier
 * @typedef {(alg: string, key: string) => Promise<Verifier | undefined>} Maker undefined: the algorithm is not offered; key: as in lib/signed.js
 */

/** @param {string} alg @param {string} key */
const material = (alg, key) => (alg === 'HS256' ? Buffer.from(key, 'base64') : key);

/** @param {string} alg @param {string} key */
const keyObject = (alg, key) =>
  alg === 'HS256' ? crypto.createSecretKey(key, 'base64') : crypto.createPublicKey(key);

/** @param {string} alg @param {string} key */
const jwtOptions = (alg, key) => ({
  [alg === 'HS256' ? 'secret' : 'publicKey']: material(alg, key),
  algorithms: [alg],
});

/** @type {Record<string, Maker>} */
const VERIFIERS = {
  latchgate: async (alg, key) => {
    const { tokens } = createAuth({ store: 'memory:', jwt: jwtOptions(alg, key) });
    return { verify: (token) => tokens.verify(token), isAsync: true };
  },
  // What the middleware does: claims are parsed when they are first read.
  'latchgate, claims unread': async (alg, key) => {
    const { gate } = new Engine(authOptions({ store: 'memory:', jwt: jwtOptions(alg, key) }, 'first-use'));
    const claims = {};
    return { verify: (token) => (gate.verify(token, BARE) === 0 ? claims : null) };
  },
  'fast-jwt': async (alg, key) => {
    const { createVerifier } = require('fast-jwt');
    return {
      verify: createVerifier({
        key: material(alg, key),
        algorithms: [/** @type {any} */ (alg)],
        cache: false,
      }),
    };
  },
  jose: async (alg, key) => {
    const { importJWK, jwtVerify } = await import('jose');
    const jwk = /** @type {any} */ (keyObject(alg, key).export({ format: 'jwk' }));
    const secret = { name: 'HMAC', hash: 'SHA-256' };
    const ready =
      alg === 'HS256'
        ? await crypto.subtle.importKey('raw', Buffer.from(key, 'base64'), secret, false, ['verify'])
        : await importJWK(jwk, alg);
    const options = { algorithms: [alg] };
    return { verify: async (token) => (await jwtVerify(token, ready, options)).payload, isAsync: true };
  },
  '@node-rs/jsonwebtoken': async (alg, key) => {
    const { verifySync } = require('@node-rs/jsonwebtoken');
    const ready = material(alg, key);
    const options = { algorithms: [/** @type {any} */ (alg)], leeway: 0 };
    return { verify: (token) => verifySync(token, ready, options) };
  },
  jsonwebtoken: async (alg, key) => {
    if (alg === 'EdDSA') return undefined;
    const { verify } = require('jsonwebtoken');
    const ready = keyObject(alg, key);
    const options = { algorithms: [/** @type {any} */ (alg)] };
    return { verify: (token) => verify(token, ready, options) };
  },
};

module.exports = { VERIFIERS };
