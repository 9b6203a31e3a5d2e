// A rolling deployment: two versions of the scripts use one prefix concurrently. Together they grant as much as one
// version.
'use strict';

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const { open, unique } = require('../support/auths.js');
const { token } = require('../support/jwt.js');
const { startNextVersion } = require('../support/next-version.js');
const { KINDS, missing, startServer } = require('../support/servers.js');

/** @typedef {import('latchgate').Auth} Auth */

const LIMIT = 3;
const QUOTA = { limit: 100, window: '1h' };
const BUCKET = { limit: 100, window: '30d', algorithm: /** @type {const} */ ('bucket') };

/** @param {import('node:test').TestContext} t @param {'redis' | 'valkey'} kind */
async function deploy(t, kind) {
  const server = await startServer(t, { kind });
  const relay = await startNextVersion(t, server);
  const sessions = { limit: LIMIT, admission: /** @type {const} */ ('first-use') };
  const old = open(t, { store: server.url(), sessions, apiKeys: {} });
  const next = open(t, { store: relay.url, sessions, apiKeys: {} });
  /**
   * Calls the old and the new Auth alternately, all concurrently.
   * @template T
   * @param {number} count
   * @param {(auth: Auth, n: number) => Promise<T>} ask
   * @returns {Promise<T[]>}
   */
  const both = (count, ask) =>
    Promise.all(Array.from({ length: count }, (_each, n) => ask(n % 2 === 0 ? old : next, n)));
  return { server, relay, old, next, both };
}

/** @template T @param {T[]} list @param {(each: T) => boolean | undefined} test */
const count = (list, test) => list.filter((each) => test(each) === true).length;

for (const { kind, name } of KINDS) {
  describe(`two concurrent versions of the scripts on ${name}`, async () => {
    const skip = await missing(kind);

    it('admit the same number of sessions, and grant the same number of units, as one version', {
      skip,
    }, async (t) => {
      const { server, relay, old, both } = await deploy(t, kind);
      const [user, newcomer] = [unique(), unique()];
      const admissions = await both(200, (auth) => auth.sessions.admit(user));
      assert.equal(
        count(admissions, ({ admitted }) => admitted),
        LIMIT,
      );
      const uses = await both(200, (auth, n) =>
        auth.authenticate({ token: token({ sub: newcomer, sid: `s${n}` }) }),
      );
      assert.equal(
        count(uses, ({ ok }) => ok),
        LIMIT,
      );
      for (const rule of [QUOTA, BUCKET, { limit: 100 }]) {
        const key = unique('key');
        const charges = await both(1000, (auth) => auth.quotas.consume(key, rule));
        assert.equal(
          count(charges, ({ allowed }) => allowed),
          100,
        );
        assert.equal((await old.quotas.peek(key, rule)).remaining, 0);
      }
      const policy = { quota: { ...QUOTA, name: 'policy' } };
      const text = token({ sub: unique(), sid: 's' });
      const requests = await both(1000, (auth) => auth.authenticate({ token: text }, policy));
      assert.equal(
        count(requests, ({ ok }) => ok),
        100,
      );
      const { key } = await old.apiKeys.create({ ownerId: user, quota: { limit: 100 } });
      const checks = await both(1000, (auth) => auth.apiKeys.check(key));
      assert.equal(
        count(checks, ({ valid }) => valid),
        100,
      );
      const values = await both(100, (auth) => auth.counters.add(user, 'c', 1));
      assert.equal(new Set(values.map(({ value }) => value)).size, 100);
      assert.equal(count(await both(100, (auth) => auth.once(user)), Boolean), 1);

      // Two versions have run: the server has both texts of each script that the newer version called.
      assert.ok(relay.calls > 2000 && relay.hashes.size >= 7, `${relay.hashes.size} scripts`);
      for (const [before, after] of relay.hashes)
        assert.deepEqual(await server.command('SCRIPT', 'EXISTS', before, after), [1, 1]);
    });

    it('share charges, refunds, rotations and revocations', { skip }, async (t) => {
      const { old, next } = await deploy(t, kind);
      for (const [one, other] of [
        [old, next],
        [next, old],
      ]) {
        const key = unique('key');
        const charged = await one.quotas.consume(key, QUOTA, { cost: 5, idempotencyKey: 'i' });
        assert.equal(
          (await other.quotas.consume(key, QUOTA, { cost: 5, idempotencyKey: 'i' })).replayed,
          true,
        );
        assert.equal(await other.quotas.refund(charged.receipt ?? ''), true);
        assert.equal(await one.quotas.refund(charged.receipt ?? ''), false);
        const user = unique();
        const login = await one.tokens.login(user);
        assert.ok(login.ok);
        const refreshed = await other.tokens.refresh(login.refreshToken);
        assert.ok(refreshed.ok);
        const again = await one.tokens.refresh(login.refreshToken);
        assert.equal(again.ok && again.refreshToken, refreshed.refreshToken, 'the same successor');
        const made = await one.apiKeys.create({ ownerId: user });
        const rotated = await other.apiKeys.rotate(made.keyId);
        assert.deepEqual(await one.apiKeys.check(made.key), { valid: false, code: 'revoked' });
        assert.equal((await one.apiKeys.check(rotated.key)).valid, true);
        await other.tokens.revokeUser(user, { apiKeys: true });
        assert.equal((await one.authenticate({ token: refreshed.accessToken })).ok, false);
        assert.equal((await one.apiKeys.check(rotated.key)).valid, false);
        const lease = await one.locks.acquire(user);
        await assert.rejects(other.locks.acquire(user, { wait: 0 }), { code: 'ERR_LATCHGATE_BUSY' });
        await lease.release();
        const following = await other.locks.acquire(user);
        assert.ok(following.fence > lease.fence);
        await following.release();
      }
    });
  });
}
