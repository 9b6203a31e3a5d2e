'use strict';
// What stands before the handler in the rows with Express: nothing, latchgate, fast-jwt alone, or fast-jwt and the script.

const { createAuth } = require('../../src/js/index.js');
const { QUOTAS, SECRET, authOptions } = require('../lib/settings.js');
const { open } = require('./clients.js');
const script = require('./script.js');

/**
 * @typedef {object} Guard
 * @property {any} [main] middleware; undefined for none
 * @property {any} [small] the same with a quota that runs out
 * @property {(token: string) => Promise<unknown>} [revoke] undefined where nothing can be revoked
 */

/**
 * @param {string} store
 * @param {boolean} withQuota
 * @returns {Promise<Guard>}
 */
async function latchgate(store, withQuota) {
  const auth = createAuth(authOptions(store));
  await auth.ready();
  return {
    main: auth.middleware(withQuota ? { quota: QUOTAS.main } : {}),
    small: auth.middleware({ quota: QUOTAS.small }),
    revoke: (token) => auth.tokens.revoke(token),
  };
}

/**
 * By default fast-jwt's cache is keyed by a hash of the token. By its text it is quicker; fast-jwt warns of own key builders.
 * @param {boolean} byText
 */
function verifier(byText) {
  const { createVerifier } = require('fast-jwt');
  const options = /** @type {const} */ ({ key: SECRET, cache: 10_000 });
  const byKey = { ...options, cacheKeyBuilder: (/** @type {string} */ token) => token };
  return createVerifier(byText ? byKey : options);
}

/** @param {any} req @param {(token: string) => any} verify the claims, or undefined */
function claimsOf(req, verify) {
  const header = req.headers.authorization;
  if (header === undefined || !header.startsWith('Bearer ')) return undefined;
  try {
    return verify(header.slice(7));
  } catch {
    return undefined;
  }
}

/** @param {any} res @param {number} status */
function refuse(res, status) {
  res.statusCode = status;
  res.end('no');
}

/** @param {boolean} byText @returns {Promise<Guard>} */
async function fastJwt(byText) {
  const verify = verifier(byText);
  return {
    main: (/** @type {any} */ req, /** @type {any} */ res, /** @type {() => void} */ next) => {
      const claims = claimsOf(req, verify);
      if (claims === undefined) return refuse(res, 401);
      req.auth = claims;
      next();
    },
  };
}

/**
 * Verifies (cached, by text), calls the script with arguments that are prepared once a token, and says what is left.
 * @param {string} name
 * @param {number} port
 * @returns {Promise<Guard>}
 */
async function withScript(name, port) {
  const client = await open(name, port);
  const verify = verifier(true);
  const guard = (/** @type {typeof QUOTAS.main} */ quota) => {
    /** @type {WeakMap<object, string[]>} */
    const prepared = new WeakMap();
    const policy = `"${quota.name}";q=${quota.limit};w=${Math.ceil(quota.window / 1000)}`;
    return (/** @type {any} */ req, /** @type {any} */ res, /** @type {() => void} */ next) => {
      const claims = claimsOf(req, verify);
      if (claims === undefined) return refuse(res, 401);
      let args = prepared.get(claims);
      if (args === undefined) {
        args = script.decision(claims, quota);
        prepared.set(claims, args);
      }
      client.decide(args).then(
        (reply) => {
          if (!script.isAllowed(reply)) return refuse(res, 403);
          const left = Math.ceil(script.untilReset(reply) / 1000);
          res.setHeader('RateLimit-Policy', policy);
          res.setHeader('RateLimit', `"${quota.name}";r=${script.remaining(reply)};t=${left}`);
          req.auth = claims;
          next();
        },
        () => refuse(res, 503),
      );
    };
  };
  return { main: guard(QUOTAS.main), small: guard(QUOTAS.small), revoke: client.revoke };
}

/** @type {Record<string, (port: number) => Promise<Guard>>} */
const GUARDS = {
  bare: async () => ({}),
  // What any middleware costs Express, whatever it does.
  'bare, an empty middleware': async () => ({
    main: (/** @type {any} */ _req, /** @type {any} */ _res, /** @type {() => void} */ next) => next(),
  }),
  // What it costs Node and Express that an answer comes in a later turn, whoever is waited for.
  'bare, a turn later': async () => ({
    main: (/** @type {any} */ _req, /** @type {any} */ _res, /** @type {() => void} */ next) =>
      setImmediate(next),
  }),
  'latchgate embedded': () => latchgate('memory:', false),
  'latchgate embedded, quota': () => latchgate('memory:', true),
  'fast-jwt': () => fastJwt(false),
  'fast-jwt, text as cache key': () => fastJwt(true),
  'latchgate redis': (port) => latchgate(`redis://127.0.0.1:${port}`, false),
  'latchgate redis, quota': (port) => latchgate(`redis://127.0.0.1:${port}`, true),
  ioredis: (port) => withScript('ioredis', port),
  'ioredis-auto': (port) => withScript('ioredis-auto', port),
  'node-redis': (port) => withScript('node-redis', port),
};

module.exports = { GUARDS };
