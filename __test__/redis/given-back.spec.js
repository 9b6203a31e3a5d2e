// A request with an API key that also charges a quota in another slot. That quota is charged second. If it denies,
// the charge of the key is refunded. A proxy holds the second step, to force other calls between the two steps.
'use strict';

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const { open, unique } = require('../support/auths.js');
const { startProxy } = require('../support/proxy.js');
const { KINDS, missing, startServer } = require('../support/servers.js');

const LIMIT = 10;

/** Matches the second step of a request: it names a quota of its own. @param {string[]} words */
const isSecond = (words) => words.some((word) => /^lg:\{\d+\}:q[bwg]:/.test(word));

/**
 * Opens two Auths, one behind a proxy, a key with its own quota, and an exhausted quota.
 * @param {import('node:test').TestContext} t
 * @param {'redis' | 'valkey'} kind
 */
async function between(t, kind) {
  const server = await startServer(t, { kind });
  const proxy = await startProxy(t, { port: server.port });
  const slow = open(t, { store: proxy.url, apiKeys: {} });
  const other = open(t, { store: server.url(), apiKeys: {} });
  const { key, keyId } = await other.apiKeys.create({ ownerId: unique(), quota: { limit: LIMIT } });
  const name = unique();
  /** @param {import('latchgate').Auth} auth @param {string} holder @param {string} [idempotencyKey] */
  const ask = (auth, holder, idempotencyKey) =>
    auth.authenticate(
      { apiKey: key },
      {
        credentials: ['api-key'],
        quota: { limit: 1, name, by: () => holder, idempotencyKey: () => idempotencyKey },
      },
    );
  const left = async () => (await other.apiKeys.get(keyId))?.quota?.remaining;
  assert.equal((await ask(slow, 'spent')).ok, true);
  return { server, proxy, slow, other, key, ask, left };
}

for (const { kind, name } of KINDS) {
  describe(`between the two steps of a request on ${name}`, async () => {
    const skip = await missing(kind);

    it('a charge stays if another request was allowed on it, although the request that made the charge is denied', {
      skip,
    }, async (t) => {
      const { proxy, slow, other, key, ask, left } = await between(t, kind);
      const held = proxy.hold(isSecond);
      const first = ask(slow, 'spent', 'i');
      const release = await held;
      assert.equal((await ask(other, 'free', 'i')).ok, true);
      release();
      assert.equal((await first).ok, false);
      assert.equal(await left(), LIMIT - 2, 'one unit for each allowed request');
      const { quota } = await other.apiKeys.check(key, { idempotencyKey: 'i' });
      assert.deepEqual([quota?.replayed, await left()], [true, LIMIT - 2]);
    });

    it('a charge is refunded after the last request that references it is denied', { skip }, async (t) => {
      const { proxy, slow, other, ask, left } = await between(t, kind);
      const held = proxy.hold(isSecond);
      const first = ask(slow, 'spent', 'i');
      const release = await held;
      assert.equal((await ask(other, 'spent', 'i')).ok, false);
      assert.equal(await left(), LIMIT - 2, 'the first request still references the charge');
      release();
      assert.equal((await first).ok, false);
      assert.equal(await left(), LIMIT - 1);
      assert.equal((await ask(other, 'free', 'i')).ok, true);
      assert.equal(await left(), LIMIT - 2, 'a new charge');
    });

    it('a check without a second step replays the charge, and the charge stays', { skip }, async (t) => {
      const { proxy, slow, other, key, ask, left } = await between(t, kind);
      const held = proxy.hold(isSecond);
      const first = ask(slow, 'spent', 'i');
      const release = await held;
      assert.equal((await other.apiKeys.check(key, { idempotencyKey: 'i' })).quota?.replayed, true);
      release();
      assert.equal((await first).ok, false);
      assert.equal(await left(), LIMIT - 2);
    });

    it('a charge whose process is gone stays, and the same request is charged once', { skip }, async (t) => {
      const { proxy, slow, other, ask, left } = await between(t, kind);
      const held = proxy.hold(isSecond);
      const first = ask(slow, 'free', 'i');
      await held;
      proxy.cut();
      const lost = await first;
      assert.ok(!lost.ok && lost.status === 503);
      assert.equal(await left(), LIMIT - 2);
      assert.equal((await ask(other, 'free', 'i')).ok, true);
      assert.equal(await left(), LIMIT - 2);
    });

    it('a server without free memory refunds the charge if the second step fails', {
      skip,
    }, async (t) => {
      const { server, proxy, slow, ask, left } = await between(t, kind);
      const held = proxy.hold(isSecond);
      const first = ask(slow, 'free', 'i');
      const release = await held;
      await server.configure('maxmemory', 1);
      release();
      const refused = await first;
      assert.ok(!refused.ok && refused.status === 503);
      await server.configure('maxmemory', 0);
      assert.equal(await left(), LIMIT - 1);
    });

    it('a denial by the second step reports the state of both quotas, as the embedded store does', {
      skip,
    }, async (t) => {
      const { other, ask } = await between(t, kind);
      const embedded = open(t, { apiKeys: {} });
      const { key } = await embedded.apiKeys.create({ ownerId: unique(), quota: { limit: LIMIT } });
      const headers = async (/** @type {Promise<any>} */ answer) => {
        const { status, headers: told } = await answer;
        const state = told.RateLimit.replace(/"[^"]*-[^"]*"/, '"shared"');
        return [status, state, told['RateLimit-Policy'].replace(/"[^"]*-[^"]*"/, '"shared"')];
      };
      const quota = { limit: 1, name: unique(), by: () => 'x' };
      const here = () => embedded.authenticate({ apiKey: key }, { credentials: ['api-key'], quota });
      assert.equal((await here()).ok, true);
      assert.deepEqual(await headers(ask(other, 'spent')), await headers(here()));
    });
  });
}
