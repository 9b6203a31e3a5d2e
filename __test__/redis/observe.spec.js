// Mode 'observe' on real servers: two commands per request, its own keys, and no effect on the app.
'use strict';

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const { serve } = require('../support/app.js');
const { open, unique } = require('../support/auths.js');
const { faulty } = require('../support/faulty.js');
const { get } = require('../support/http.js');
const { token } = require('../support/jwt.js');
const { KINDS, missing, startServer } = require('../support/servers.js');
const { until } = require('../support/started.js');
const { TOPOLOGIES, shared } = require('../support/topologies.js');

const QUOTA = { limit: 10, window: '1h', name: 'trial' };
const FIRST_USE = /** @type {const} */ ({ limit: 3, admission: 'first-use' });

/**
 * @param {import('latchgate').Auth} auth
 * @param {string} text
 * @param {import('latchgate').Policy} [policy]
 * @returns {Promise<string | null>} the reason for which the request would have been denied
 */
async function reasonOf(auth, text, policy) {
  const seen = await auth.authenticate({ token: text }, policy);
  assert.ok(seen.ok);
  return seen.auth.observed?.reason ?? null;
}

/**
 * Sends many concurrent requests through two Auths that observe, next to an Auth that enforces.
 * @param {any} t
 * @param {string} store
 */
async function trial(t, store) {
  const watching = [0, 1].map(() => open(t, { store, mode: 'observe', sessions: FIRST_USE }));
  const real = open(t, { store, sessions: FIRST_USE });
  const userId = unique();
  const each = (/** @type {number} */ n) => watching[n % 2];
  const sessions = Array.from({ length: 40 }, (_, n) =>
    reasonOf(each(n), token({ sub: userId, sid: `s${n}` })),
  );
  const limited = (await Promise.all(sessions)).filter((reason) => reason === 'session_limit');
  assert.equal(limited.length, 37);
  const spender = unique();
  const one = token({ sub: spender, sid: 'one' });
  const charges = Array.from({ length: 40 }, (_, n) => reasonOf(each(n), one, { quota: QUOTA }));
  const spent = (await Promise.all(charges)).filter((reason) => reason === 'quota_exhausted');
  assert.equal(spent.length, 30);
  assert.deepEqual(await real.sessions.list(userId), []);
  const passed = await real.authenticate({ token: one }, { quota: QUOTA });
  assert.equal(passed.ok && passed.auth.quota?.remaining, 9);
  await real.tokens.revoke(one);
  assert.deepEqual(await Promise.all(watching.map((auth) => reasonOf(auth, one))), [
    'token_revoked',
    'token_revoked',
  ]);
}

for (const { kind, name } of KINDS) {
  describe(`a trial on ${name}`, async () => {
    const skip = await missing(kind);

    it('counts exactly, and spends nothing real', { skip }, async (t) => {
      const server = await startServer(t, { kind });
      await trial(t, server.url());
    });

    it('runs two commands per request, and writes only under its own prefix', {
      skip,
    }, async (t) => {
      const server = await startServer(t, { kind });
      const watching = open(t, { store: server.url(), mode: 'observe', sessions: FIRST_USE });
      await watching.ready();
      const text = token({ sub: unique(), sid: 's' });
      await reasonOf(watching, text, { quota: QUOTA });
      const before = await server.scriptsRun();
      for (let i = 0; i < 50; i++) await reasonOf(watching, text, { quota: { ...QUOTA } });
      assert.equal((await server.scriptsRun()) - before, 100);
      const keys = await server.keys();
      assert.ok(keys.length > 0);
      assert.ok(
        keys.every((key) => key.startsWith('lg.observe:')),
        keys.join(),
      );
    });
  });
}

describe('an app in mode observe', async () => {
  const skip = await missing('redis');

  it('continues while the store is unreachable, and gets the fault in req.gate', { skip }, async (t) => {
    const { proxy, auth, live } = await faulty(t, { options: { mode: 'observe', sessions: FIRST_USE } });
    const port = await serve(t, (app) => {
      app.get('/', auth.middleware({ requestProperty: 'gate' }), (req, res) => {
        res.json(/** @type {any} */ (req).gate?.observed?.code ?? null);
      });
    });
    assert.equal(JSON.parse((await get(port, '/', live)).body), null);
    await proxy.refuse();
    const answer = await get(port, '/', live);
    assert.equal(answer.status, 200);
    assert.equal(JSON.parse(answer.body), 'store_unavailable');
    assert.equal((await get(port, '/')).status, 200);
    await proxy.pass();
    await until(
      'the store is used again',
      async () => JSON.parse((await get(port, '/', live)).body) === null,
    );
  });
});

for (const { name, missing: absent, start } of TOPOLOGIES) {
  describe(`a trial on ${name}`, async () => {
    const skip = await absent();
    const servers = shared(start, skip);
    it('counts exactly, and spends nothing real', { skip }, (t) => trial(t, servers().url()));
  });
}
