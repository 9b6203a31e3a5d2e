// store.acks: an acknowledged write is on that number of replicas, and survives later failures. If too few replicas
// hold it, the call rejects, but the write stays. Decisions, charges and first-use admissions do not wait.
'use strict';

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const { setImmediate } = require('node:timers/promises');
const { OPTIONS, WAITING } = require('../support/acknowledged.js');
const { fault, open, unique } = require('../support/auths.js');
const { DEADLINES, isStoreFault, status } = require('../support/faulty.js');
const { token } = require('../support/jwt.js');
const { login, why } = require('../support/logins.js');
const { startSentinels } = require('../support/sentinels.js');
const { KINDS, missing, startServer } = require('../support/servers.js');
const { until } = require('../support/started.js');

/** @typedef {import('node:test').TestContext} Test */

/** Several calls run one after the other, and each waits for half of this timeout. */
const PATIENT = { commandTimeout: '2s' };
const RULE = { limit: 10, window: '1h' };

/**
 * Starts a primary and a synchronized replica.
 * @param {Test} t
 * @param {'redis' | 'valkey'} kind
 * @param {number} acks
 * @param {object} [deadlines]
 */
async function pair(t, kind, acks, deadlines = DEADLINES) {
  const primary = await startServer(t, { kind });
  const replica = await startServer(t, { kind, config: { replicaof: `127.0.0.1 ${primary.port}` } });
  // A replica receives new writes only after its first report to the primary. That report follows the initial sync
  // within a second.
  await until('the replica has a write', async () => {
    await primary.command('SET', 'write', 1);
    return (await primary.command('WAIT', 1, 2000)) === 1;
  });
  const auth = open(t, { ...OPTIONS, store: { url: primary.url(), ...deadlines, acks } });
  await auth.ready();
  return { primary, replica, auth, beside: open(t, { ...OPTIONS, store: primary.url() }) };
}

for (const { kind, name } of KINDS) {
  describe(`acks on ${name}:`, async () => {
    const skip = await missing(kind);

    for (const { what, ask, stands } of WAITING)
      it(`${what} that has resolved is on the replica`, { skip }, async (t) => {
        // A replica that is slow because of a busy machine must not count as missing.
        const { primary, replica, auth, beside } = await pair(t, kind, 1, { commandTimeout: '20s' });
        const users = Array.from({ length: 20 }, () => unique());
        await Promise.all(users.map((user) => ask(auth, user, beside)));
        await primary.stop();
        await replica.command('REPLICAOF', 'NO', 'ONE');
        const judge = open(t, { ...OPTIONS, store: replica.url() });
        for (const user of users) assert.equal(await stands(judge, user), true);
      });

    it('if too few replicas hold a write, the call rejects, the write stays, and a repeated call rejects again', {
      skip,
    }, async (t) => {
      const { replica, auth, beside } = await pair(t, kind, 1);
      replica.pause();
      for (const { what, ask, stands } of WAITING) {
        const user = unique();
        for (let n = 0; n < 2; n++)
          await assert.rejects(ask(auth, user, beside), fault('STORE_TIMEOUT'), what);
        assert.equal(await stands(beside, user), true, what);
      }
      replica.resume();
      await until('the replica is back', async () => {
        const asked = auth.sessions.admit(unique());
        return asked.then(({ admitted }) => admitted);
      });
    });

    it('a denial is returned immediately, because nothing was written that could be lost', {
      skip,
    }, async (t) => {
      const { replica, auth, beside } = await pair(t, kind, 1, PATIENT);
      const user = unique();
      const { refreshToken } = await login(beside, unique());
      const unknown = refreshToken.slice(0, -4) + (refreshToken.endsWith('AAAA') ? 'BAAA' : 'AAAA');
      const only = { limit: 1, onLimit: /** @type {const} */ ('reject') };
      assert.equal((await auth.tokens.login(user, only)).ok, true);
      replica.pause();
      assert.equal((await auth.sessions.admit(user, only)).admitted, false);
      assert.equal((await auth.tokens.login(user, only)).ok, false);
      assert.equal(await why(auth, unknown), 'invalid');
      replica.resume();
    });

    it('an acquired turn is on the replica; a turn that too few replicas hold is released', {
      skip,
    }, async (t) => {
      const { primary, replica, auth } = await pair(t, kind, 1);
      const judge = open(t, { store: primary.url() });
      const key = unique('key');
      const lease = await auth.locks.acquire(key);
      assert.ok((await replica.keys()).some((each) => each.endsWith(`:l:${key}`)));
      replica.pause();
      assert.equal(await lease.release(), true);
      await assert.rejects(auth.locks.acquire(key, { wait: '1s' }), fault('STORE_TIMEOUT', /replicas/));
      const next = await judge.locks.acquire(key, { wait: 0 });
      assert.ok(next.fence > lease.fence);
      const waiting = auth.locks.acquire(key, { wait: '50s' });
      replica.resume();
      await until('it waits', async () => (await primary.keys()).some((each) => /:lq:/.test(each)));
      assert.equal(await next.release(), true);
      assert.ok((await waiting).fence > next.fence);
    });

    it('a caller that aborts during the acquisition leaves no turn behind', { skip }, async (t) => {
      const { primary, replica, auth } = await pair(t, kind, 1);
      const judge = open(t, { store: primary.url() });
      const [first, key] = [unique('key'), unique('key')];
      await auth.locks.runExclusive(unique('key'), () => {});
      replica.pause();
      const asked = assert.rejects(auth.locks.acquire(first, { wait: '1s' }), fault('STORE_TIMEOUT'));
      await until('the script has run', async () =>
        (await primary.keys()).some((each) => each.endsWith(`:l:${first}`)),
      );
      // This call is queued after the first call. Its release is not.
      const controller = new AbortController();
      const { signal } = controller;
      const given = assert.rejects(auth.locks.acquire(key, { ttl: '1m', wait: '20s', signal }), {
        name: 'AbortError',
      });
      await setImmediate();
      controller.abort();
      await Promise.all([asked, given]);
      const lease = await judge.locks.acquire(key, { wait: '20s' });
      assert.equal(await lease.release(), true);
    });

    it('a denied login and a denied admission wrote nothing, and are returned regardless of the replicas', {
      skip,
    }, async (t) => {
      const { primary, replica, auth } = await pair(t, kind, 1, PATIENT);
      const user = unique();
      await open(t, { ...OPTIONS, store: primary.url() }).tokens.blockUser(user);
      replica.pause();
      const admission = await auth.sessions.admit(user);
      const login = await auth.tokens.login(user);
      assert.deepEqual([admission.admitted, login.ok], [false, false]);
      replica.resume();
    });

    it('decisions, charges, touches and first-use admissions do not wait for replicas', {
      skip,
    }, async (t) => {
      const { replica, auth } = await pair(t, kind, 1);
      replica.pause();
      const user = unique();
      const live = token({ sub: user, sid: 's' });
      for (let n = 0; n < 10; n++) assert.equal(await status(auth, live, { quota: RULE }), 200);
      assert.equal((await auth.quotas.consume(unique('key'), RULE)).allowed, true);
      assert.equal((await auth.counters.add(user, 'c', 1)).applied, true);
      assert.ok(await auth.sessions.touch(user, 's'));
      replica.resume();
    });

    it('if acks exceeds the number of replicas, only the calls that wait for replicas fail', {
      skip,
    }, async (t) => {
      const { auth } = await pair(t, kind, 2);
      // If nothing was written, no replica needs to hold anything.
      const refused = { admitted: false, reason: 'session_limit', active: 0, limit: 0, retryAfterMs: null };
      assert.deepEqual(await auth.sessions.admit(unique(), { limit: 0 }), refused);
      assert.deepEqual(await auth.tokens.login(unique(), { limit: 0 }), { ok: false, ...refused });
      await assert.rejects(auth.sessions.admit(unique()), fault('STORE_TIMEOUT'));
      assert.equal(await status(auth, token({ sub: unique(), sid: 's' })), 200);
    });

    it('a write that waits while the replicas are cut off rejects, and a failover loses no acknowledged write', {
      skip,
    }, async (t) => {
      const set = await startSentinels(t, { kind });
      const store = { url: set.url(), ...DEADLINES, acks: 1 };
      const auth = open(t, { ...OPTIONS, store });
      const texts = Array.from({ length: 50 }, () => token({ sub: unique(), sid: 's' }));
      const [held, ...late] = texts;
      await auth.tokens.revoke(held);
      const primary = await set.primary();
      const join = await set.cutOff();
      const answers = await Promise.allSettled(late.map((text) => auth.tokens.revoke(text)));
      const faults = answers.filter((each) => each.status === 'rejected' && isStoreFault(each.reason));
      assert.equal(faults.length, late.length);
      await primary.stop();
      join();
      await set.failedOver(primary);
      await set.leads(auth);
      assert.equal(await auth.tokens.isRevoked(held), true);
    });
  });
}
