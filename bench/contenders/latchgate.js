'use strict';
// latchgate itself, asked in each of its ways: through the middleware without HTTP, through authenticate(), and through the
// number-in, number-out function under both, which only the embedded store answers.

const { createAuth } = require('../../src/js/index.js');
const { Engine } = require('../../src/js/runtime/native-store.js');
const { authOptions: checkedOptions } = require('../../src/js/options/options.js');
const { compilePolicy } = require('../../src/js/policy/policy.js');
const { QUOTAS, authOptions } = require('../lib/settings.js');

/** @param {{ name: string, limit: number, window: number } | undefined} quota */
const policyOf = (quota) => (quota === undefined ? {} : { quota });

/** As much of a response as a middleware touches. One for each request, as a server makes it: what has passed stays with it. */
class Response {
  headersSent = false;
  statusCode = 200;
  destroyed = false;
  /** @type {(() => void) | undefined} */
  onClose = undefined;

  onEnd() {}

  /** Nobody listens but the middleware, for the end of the response. @param {string} _event @param {() => void} listener */
  on(_event, listener) {
    this.onClose = listener;
  }

  getHeader() {
    return undefined;
  }

  setHeader() {}

  end() {
    this.onEnd();
  }
}

/** @param {string} header */
function request(header) {
  return {
    method: 'GET',
    url: '/',
    headers: { authorization: header },
    rawHeaders: ['authorization', header],
  };
}

/** @param {(header: string, done: (allowed: boolean) => void) => void} ask */
const asPromise = (ask) => (/** @type {string} */ token) =>
  new Promise((resolve) => ask(`Bearer ${token}`, resolve));

/**
 * @param {string} store
 * @param {boolean} [withQuota]
 */
function throughMiddleware(store, withQuota = true) {
  const auth = createAuth(authOptions(store));
  const main = auth.middleware(policyOf(withQuota ? QUOTAS.main : undefined));
  const small = auth.middleware(policyOf(QUOTAS.small));
  /** @type {any} express's types */
  const [mainAny, smallAny] = [main, small];
  return {
    auth,
    middleware: mainAny,
    /** `next` is called where the request passes. @param {string} header @param {() => void} next */
    pass: (header, next) => mainAny(request(header), new Response(), next),
    ask: asPromise((header, done) => {
      const own = new Response();
      own.onEnd = () => done(false);
      smallAny(request(header), own, (/** @type {unknown} */ error) => done(error === undefined));
    }),
    revoke: (/** @type {string} */ token) => auth.tokens.revoke(token),
    ready: () => auth.ready(),
    close: () => auth.close(),
  };
}

/** @param {string} store */
function throughAuthenticate(store) {
  const auth = createAuth(authOptions(store));
  const [main, small] = [policyOf(QUOTAS.main), policyOf(QUOTAS.small)];
  return {
    auth,
    /** @param {string} token @param {(allowed: boolean) => void} done */
    decide: (token, done) => auth.authenticate({ token }, main).then((result) => done(result.ok)),
    ask: async (/** @type {string} */ token) => (await auth.authenticate({ token }, small)).ok,
    revoke: (/** @type {string} */ token) => auth.tokens.revoke(token),
    ready: () => auth.ready(),
    close: () => auth.close(),
  };
}

/** The decision without the middleware around it; embedded store only. */
function bare() {
  const engine = new Engine(checkedOptions(authOptions('memory:'), 'first-use'));
  const main = compilePolicy(policyOf(QUOTAS.main), engine, true).handle;
  const small = compilePolicy(policyOf(QUOTAS.small), engine, true).handle;
  const { decide } = engine;
  return {
    /** @param {string} header @returns {number} 0 where the request passes */
    decide: (header) => decide(main, header),
    ask: async (/** @type {string} */ token) => decide(small, `Bearer ${token}`) === 0,
    revoke: async (/** @type {string} */ token) => engine.gate.revoke(token),
    close: () => engine.close(),
  };
}

module.exports = { bare, throughAuthenticate, throughMiddleware };
