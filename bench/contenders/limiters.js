'use strict';
// Those who only count: rate-limiter-flexible and express-rate-limit, in memory and on Redis, and latchgate's own quotas. All
// have the same two limits: one that no run exhausts, and one that races are run for.

const { createAuth } = require('../../src/js/index.js');
const { QUOTAS, authOptions } = require('../lib/settings.js');

/** `take` charges one unit to a user, and calls back with whether it was granted. */
/** @typedef {(user: string, done: (granted: boolean) => void) => void} Take */
/** @typedef {{ take: Take, takeSmall: Take, ready?: () => Promise<unknown> }} Limiter */

/** @typedef {typeof QUOTAS.main} Rule */

/** @param {(rule: Rule) => Take} maker @param {() => Promise<unknown>} [ready] @returns {Limiter} */
const both = (maker, ready) => ({ take: maker(QUOTAS.main), takeSmall: maker(QUOTAS.small), ready });

/** @param {string} store @returns {Limiter} */
function latchgate(store) {
  const auth = createAuth(authOptions(store));
  const maker = (/** @type {Rule} */ { name, limit, window }) => {
    const rule = { limit, window };
    return /** @type {Take} */ (
      (user, done) => {
        auth.quotas.consume(`${name}-${user}`, rule).then(({ allowed }) => done(allowed));
      }
    );
  };
  return both(maker, () => auth.ready());
}

/** @param {any} limiter of rate-limiter-flexible @returns {Take} */
const flexible = (limiter) => (user, done) => {
  limiter.consume(user).then(
    () => done(true),
    (/** @type {unknown} */ reason) => {
      // A refusal is a rejection that is no error.
      if (reason instanceof Error) throw reason;
      done(false);
    },
  );
};

/** @param {Rule} rule */
const flexibleOptions = ({ name, limit, window }) => ({
  keyPrefix: name,
  points: limit,
  duration: Math.ceil(window / 1000),
});

/** As much of a response as the middleware touches. */
const RESPONSE = { headersSent: false, writableEnded: false, getHeader() {}, setHeader() {} };

/** @param {Rule} rule @param {any} [store] @returns {Take} */
function express({ limit, window }, store) {
  const { rateLimit } = require('express-rate-limit');
  /** @type {any} express's types */
  const middleware = rateLimit({
    windowMs: window,
    limit,
    store,
    keyGenerator: (/** @type {any} */ req) => req.user,
    handler: (/** @type {any} */ req) => req.done(false),
    // The two headers that latchgate's middleware sets as well.
    standardHeaders: 'draft-7',
    legacyHeaders: false,
    validate: false,
  });
  return (user, done) => {
    middleware({ user, done }, RESPONSE, (/** @type {unknown} */ error) => {
      if (error !== undefined) throw error;
      done(true);
    });
  };
}

/** In memory. @type {Record<string, () => Limiter>} */
const EMBEDDED = {
  'latchgate consume': () => latchgate('memory:'),
  'rate-limiter-flexible': () => {
    const { RateLimiterMemory } = require('rate-limiter-flexible');
    return both((rule) => flexible(new RateLimiterMemory(flexibleOptions(rule))));
  },
  'express-rate-limit': () => both((rule) => express(rule)),
};

/** @param {number} port @param {boolean} pipelining */
function ioredis(port, pipelining) {
  const { Redis } = require('ioredis');
  return new Redis({ host: '127.0.0.1', port, enableAutoPipelining: pipelining });
}

/** @param {number} port */
async function nodeRedis(port) {
  const { createClient } = require('redis');
  return createClient({ url: `redis://127.0.0.1:${port}` }).connect();
}

/** @param {any} storeClient @param {boolean} [useRedisPackage] @returns {Limiter} */
function flexibleOn(storeClient, useRedisPackage = false) {
  const { RateLimiterRedis } = require('rate-limiter-flexible');
  return both((rule) =>
    flexible(new RateLimiterRedis({ ...flexibleOptions(rule), storeClient, useRedisPackage })),
  );
}

/** @param {(...args: string[]) => Promise<any>} sendCommand @returns {Limiter} */
function expressOn(sendCommand) {
  const { RedisStore } = require('rate-limit-redis');
  return both((rule) => express(rule, new RedisStore({ sendCommand, prefix: `${rule.name}:` })));
}

/** On a server. @type {Record<string, (port: number) => Promise<Limiter>>} */
const NETWORKED = {
  'latchgate consume': async (port) => latchgate(`redis://127.0.0.1:${port}`),
  'rate-limiter-flexible, ioredis': async (port) => flexibleOn(ioredis(port, false)),
  'rate-limiter-flexible, ioredis-auto': async (port) => flexibleOn(ioredis(port, true)),
  'rate-limiter-flexible, node-redis': async (port) => flexibleOn(await nodeRedis(port), true),
  'express-rate-limit, ioredis': async (port) => {
    const client = ioredis(port, false);
    return expressOn((command, ...args) => client.call(command, ...args));
  },
  'express-rate-limit, ioredis-auto': async (port) => {
    const client = ioredis(port, true);
    return expressOn((command, ...args) => client.call(command, ...args));
  },
  'express-rate-limit, node-redis': async (port) => {
    const client = await nodeRedis(port);
    return expressOn((...args) => client.sendCommand(args));
  },
};

/**
 * Three times as many at once as there are units, each in a callback of its own, as requests come: express-rate-limit's memory
 * hands out its own counter, and refuses all who ask in one callback when they are more than the limit.
 * @param {Take} take
 */
async function overGrants(take) {
  const { limit } = QUOTAS.small;
  const ask = (/** @type {(granted: boolean) => void} */ done) => setImmediate(take, 'race-quota', done);
  const answers = await Promise.all(Array.from({ length: 3 * limit }, () => new Promise(ask)));
  const granted = answers.filter(Boolean).length;
  return { overGrants: Math.max(0, granted - limit), wronglyRefused: Math.max(0, limit - granted) };
}

module.exports = { EMBEDDED, NETWORKED, overGrants };
