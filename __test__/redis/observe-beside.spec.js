// The examples of mode 'observe': together with express-jwt, and together with express-session and connect-redis.
// The mode counts the requests that these libraries wrongly allow, and changes none of their responses.
'use strict';

const assert = require('node:assert/strict');
const http = require('node:http');
const { describe, it } = require('node:test');
const { SECRET, call, startExample } = require('../support/examples.js');
const { token } = require('../support/jwt.js');
const { parse } = require('../support/prometheus.js');
const { missing, startServer } = require('../support/servers.js');
const { until } = require('../support/started.js');

/**
 * Returns the number of requests that would have been denied, by reason.
 * @param {{ metricsPort: () => string | undefined }} example
 * @returns {Promise<Record<string, number>>}
 */
async function observed({ metricsPort }) {
  await until('the metrics are served', () => metricsPort() !== undefined);
  const samples = parse((await call(`http://127.0.0.1:${metricsPort()}`)).body);
  const told = [...samples].flatMap(([key, value]) => {
    const reason = /^latchgate_decisions_total\{outcome="observed",reason="(.*)"\}$/.exec(key)?.[1];
    return reason === undefined || value === 0 ? [] : [/** @type {const} */ ([reason, value])];
  });
  return Object.fromEntries(told);
}

/** Logs in, and returns the cookie. @param {string} url @param {string} user */
async function login(url, user) {
  const { status, headers } = await call(`${url}/login`, { body: { user } });
  assert.equal(status, 204);
  return String(headers.get('set-cookie')).split(';')[0];
}

/**
 * Starts a request whose last byte is held back until `release` is called.
 * @param {string} url
 * @param {string} cookie
 * @param {object} body
 */
function heldBack(url, cookie, body) {
  const text = JSON.stringify(body);
  const headers = { cookie, 'content-type': 'application/json', 'content-length': text.length };
  const request = http.request(url, { method: 'PUT', headers });
  request.write(text.slice(0, -1));
  return {
    /** @returns {Promise<number | undefined>} the status */
    release: () =>
      new Promise((resolve, reject) => {
        request.on('response', (answer) => resolve(answer.resume().statusCode));
        request.on('error', reject);
        request.end(text.slice(-1));
      }),
  };
}

describe('mode observe', async () => {
  const skip = await missing('redis');

  it('counts tokens used after their logout, and sessions beyond the limit, next to express-jwt', {
    skip,
  }, async (t) => {
    const server = await startServer(t);
    const env = { REDIS_URL: server.url() };
    const example = await startExample(t, 'observe/beside-express-jwt.js', env);
    const { url } = example;
    const me = async (/** @type {string} */ text) => {
      const { status, body } = await call(`${url}/me`, { token: text });
      assert.equal(status, 200);
      assert.equal(body.user, 'ada');
      return body.observed;
    };
    const sessions = Array.from({ length: 5 }, (_, n) =>
      token({ sub: 'ada', sid: `s${n}` }, { key: SECRET }),
    );
    const reasons = await Promise.all(sessions.map(me));
    assert.equal(reasons.filter((reason) => reason === 'session_limit').length, 2);
    assert.equal((await call(`${url}/logout`, { method: 'POST', token: sessions[0] })).status, 204);
    assert.equal(await me(sessions[0]), 'token_revoked');
    assert.equal((await call(`${url}/me`)).status, 401);
    assert.equal((await call(`${url}/metrics`)).status, 401, 'the app does not serve the metrics');
    assert.deepEqual(await observed(example), {
      session_limit: reasons[0] === 'session_limit' ? 3 : 2,
      token_revoked: 1,
    });
  });

  it('counts sessions beyond the limit, and a session that a late save has restored, next to express-session', {
    skip,
  }, async (t) => {
    const server = await startServer(t);
    const env = { REDIS_URL: server.url(), SESSION_SECRET: 'a secret of sessions', NODE_ENV: 'development' };
    const example = await startExample(t, 'observe/beside-express-session.js', env);
    const { url } = example;
    const me = async (/** @type {string} */ cookie) => {
      const { status, body } = await call(`${url}/me`, { cookie });
      return status === 200 ? body.observed : status;
    };
    const cookies = [];
    for (let n = 0; n < 5; n++) cookies.push(await login(url, 'ada'));
    const reasons = [];
    for (const cookie of cookies) reasons.push(await me(cookie));
    assert.deepEqual(reasons, [null, null, null, 'session_limit', 'session_limit']);

    const cookie = await login(url, 'bob');
    assert.equal(await me(cookie), null);
    const before = await server.commandstats();
    const cart = heldBack(`${url}/cart`, cookie, { items: 1 });
    // The request has read its session by now: its later save writes this session.
    while ((await server.commandstats()).get === before.get) await new Promise(setImmediate);
    assert.equal((await call(`${url}/logout`, { method: 'POST', cookie })).status, 204);
    assert.equal(await me(cookie), 401, 'the app has forgotten the session');
    assert.equal(await cart.release(), 204);
    assert.equal(await me(cookie), 'session_ended', 'the app allows the session again');
    assert.deepEqual(await observed(example), { session_limit: 2, session_ended: 1 });
  });
});
