// Turns on real servers, from one process: order, commands, lost replies, broken connections, and lost wake-ups.
'use strict';

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const { fault, open, unique } = require('../support/auths.js');
const { faulty, recovered, storeFault } = require('../support/faulty.js');
const { token } = require('../support/jwt.js');
const { startProxy } = require('../support/proxy.js');
const { RACES } = require('../support/races/turns.js');
const { KINDS, missing, startServer } = require('../support/servers.js');
const { until } = require('../support/started.js');
const { aborted, areGrowing, crowd, held, tick } = require('../support/turns.js');

/** @typedef {import('latchgate').Auth} Auth */

const OPTIONS = { sessions: { admission: /** @type {const} */ ('first-use') } };

/** @param {Auth} auth @param {string} key @param {object} [options] */
const hold = (auth, key, options) =>
  held((/** @type {any} */ work) => auth.locks.runExclusive(key, work, options));

/** Returns the number of waiters. @param {Awaited<ReturnType<typeof startServer>>} server */
async function waiting(server) {
  const lines = (await server.keys()).filter((key) => key.split(':')[2] === 'lq');
  const counts = await Promise.all(lines.map((line) => server.command('ZCARD', line)));
  return counts.reduce((sum, count) => sum + count, 0);
}

/** Returns the number of commands that run scripts of turns. @param {Record<string, number>} commands */
const scripts = ({ evalsha = 0, eval: whole = 0 }) => evalsha + whole;

for (const { kind, name } of KINDS) {
  describe(`turns on ${name}`, async () => {
    const skip = await missing(kind);

    for (const { rule, racers, run, check } of RACES) {
      it(`${rule} (${racers} racers)`, { skip }, async (t) => {
        const server = await startServer(t, { kind });
        check(await run(server.url(), racers));
      });
    }

    it('come in the order in which they were requested, by one Auth and by several', { skip }, async (t) => {
      const server = await startServer(t, { kind });
      const auths = [1, 2, 3].map(() => open(t, { store: server.url() }));
      const key = unique('key');
      const holder = await hold(auths[0], key);
      /** @type {number[]} */
      const order = [];
      const runs = [];
      for (let n = 0; n < 12; n++) {
        runs.push(auths[n % 3].locks.runExclusive(key, () => order.push(n), { wait: '30s' }));
        await until(`${n + 1} wait`, async () => (await waiting(server)) === n + 1);
      }
      const many = Array.from({ length: 100 }, (_each, n) =>
        auths[0].locks.runExclusive(key, () => order.push(12 + n), { wait: '30s' }),
      );
      await until('all wait', async () => (await waiting(server)) === 112);
      holder.leave();
      await Promise.all([...runs, ...many]);
      assert.deepEqual(
        order,
        Array.from({ length: 112 }, (_each, n) => n),
      );
      assert.equal(await waiting(server), 0);
    });

    it('cost two commands if free and three after a wait, regardless of its duration', {
      skip,
    }, async (t) => {
      const server = await startServer(t, { kind });
      const proxy = await startProxy(t, { port: server.port });
      const auth = open(t, { store: proxy.url });
      const other = open(t, { store: server.url() });
      const key = unique('key');
      /**
       * Returns the number of commands of a turn whose caller waits until `meanwhile` ends.
       * @param {() => Promise<unknown>} meanwhile
       */
      const waited = async (meanwhile) => {
        const holder = await hold(other, key, { ttl: '1m' });
        proxy.commands = {};
        const turn = auth.locks.runExclusive(key, () => 'had', { wait: '1m' });
        await until('it waits', async () => (await waiting(server)) === 1);
        await meanwhile();
        holder.leave();
        assert.equal(await turn, 'had');
        return scripts(proxy.commands);
      };
      // After the first turns, the server knows the scripts and the subscriber is connected.
      await auth.locks.runExclusive(key, () => 1);
      await waited(tick);
      proxy.commands = {};
      await auth.locks.runExclusive(key, () => 1);
      assert.equal(scripts(proxy.commands), 2);
      assert.equal(await waited(tick), 3);
      const began = performance.now();
      assert.equal(await waited(() => until('a while', () => performance.now() > began + 1500)), 3);
    });

    it('continue when the wake-up is lost and the subscriber reconnects', { skip }, async (t) => {
      const server = await startServer(t, { kind });
      const auth = open(t, { store: server.url() });
      const other = open(t, { store: server.url() });
      const key = unique('key');
      for (let round = 0; round < 3; round++) {
        const holder = await hold(other, key, { ttl: '1s' });
        const turn = auth.locks.runExclusive(key, () => 'had', { wait: '30s' });
        await until('it waits', async () => (await waiting(server)) === 1);
        await server.command('CLIENT', 'KILL', 'TYPE', 'pubsub');
        holder.leave();
        assert.equal(await turn, 'had');
      }
    });

    it('a signal aborts, a barrier waits and a credential is checked, across Auths', {
      skip,
    }, async (t) => {
      const server = await startServer(t, { kind });
      const auth = open(t, { store: server.url(), ...OPTIONS });
      const other = open(t, { store: server.url(), ...OPTIONS });
      const user = unique();
      const answer = await auth.authenticate({ token: token({ sub: user, sid: 's' }) });
      assert.ok(answer.ok);
      const own = answer.auth;
      const { signal } = own;
      const holder = await held((work) => own.runExclusive(work));
      const refused = Array.from({ length: 20 }, () =>
        assert.rejects(
          own.runExclusive(() => 1),
          fault('REVOKED'),
        ),
      );
      const revoking = other.tokens.revokeUser(user, { barrier: true, wait: '30s' });
      await aborted(signal);
      holder.leave();
      assert.equal(await holder.done, 'done');
      assert.ok(Number((await revoking).fence) > holder.lease.fence);
      await Promise.all(refused);
    });
  });
}

describe('when replies or connections are lost', async () => {
  const skip = await missing('redis');

  for (const cut of [true, false]) {
    const how = cut ? 'connection cut' : 'silence';

    it(`the turn is requested again, and granted once (${how})`, { skip }, async (t) => {
      const { server, proxy, auth, judge, live } = await faulty(t);
      const key = unique('key');
      await auth.locks.runExclusive(key, () => 1);
      proxy.loseReplies(1, { cut });
      const lease = await auth.locks.acquire(key, { wait: '30s' });
      assert.equal(proxy.lost, 1);
      await assert.rejects(judge.locks.acquire(key, { wait: 0 }), fault('BUSY'));
      assert.equal(await waiting(server), 0);
      assert.equal(await lease.release(), true);
      const next = await judge.locks.acquire(key, { wait: 0 });
      assert.ok(next.fence > lease.fence);
      await next.release();
      await recovered(auth, live);
    });

    it(`work within the lease counts, although the release is not confirmed (${how})`, {
      skip,
    }, async (t) => {
      const { proxy, auth, judge } = await faulty(t);
      const key = unique('key');
      await auth.locks.runExclusive(key, () => 1);
      const result = await auth.locks.runExclusive(key, () => {
        proxy.loseReplies(1, { cut });
        return 'done';
      });
      assert.equal(result, 'done');
      assert.equal(proxy.lost, 1);
      assert.equal(await judge.locks.runExclusive(key, () => 'free', { wait: 0 }), 'free');
    });

    it(`one renewal may fail (${how})`, { skip }, async (t) => {
      const { proxy, auth } = await faulty(t);
      const holder = await hold(auth, unique('key'), { ttl: '3s' });
      const { expiresAt, signal } = holder.lease;
      proxy.loseReplies(1, { cut });
      await until('it is renewed', () => holder.lease.expiresAt > expiresAt + 100);
      assert.equal(proxy.lost, 1);
      assert.equal(signal.aborted, false);
      holder.leave();
      assert.equal(await holder.done, 'done');
    });
  }

  it('a connection that dies silently costs no lease, with the defaults', { skip }, async (t) => {
    const { proxy, auth } = await faulty(t, { store: { commandTimeout: '1s', connectTimeout: '1s' } });
    const holder = await hold(auth, unique('key'));
    const { expiresAt, signal } = holder.lease;
    proxy.loseReplies(1, { cut: false });
    await until('it is renewed, or lost', () => signal.aborted || holder.lease.expiresAt > expiresAt + 100);
    assert.deepEqual([proxy.lost, signal.aborted], [1, false]);
    holder.leave();
    assert.equal(await holder.done, 'done');
  });

  it('a holder that cannot renew is notified before the lease ends, and the next holder has a higher fence', {
    skip,
  }, async (t) => {
    const { proxy, auth, judge } = await faulty(t);
    const key = unique('key');
    const holder = await hold(auth, key, { ttl: '1s' });
    const { signal, fence } = holder.lease;
    const next = judge.locks.acquire(key, { wait: '30s' });
    proxy.blackHole();
    const first = await Promise.race([aborted(signal).then(() => 'told'), next.then(() => 'next')]);
    assert.equal(first, 'told');
    const lease = await next;
    assert.ok(areGrowing([fence, lease.fence]));
    holder.leave();
    await assert.rejects(holder.done, fault('LEASE_LOST'));
    assert.equal(await lease.release(), true);
  });

  it('a turn whose release failed is released when the server is back, before its lease ends', {
    skip,
  }, async (t) => {
    const { proxy, auth, judge } = await faulty(t);
    const key = unique('key');
    const lease = await auth.locks.acquire(key, { ttl: '10m', maxHold: '1h' });
    await proxy.refuse();
    await assert.rejects(lease.release(), storeFault);
    await proxy.pass();
    const next = await judge.locks.acquire(key, { wait: '50s' });
    assert.ok(areGrowing([lease.fence, next.fence]));
    assert.equal(await next.release(), true);
  });

  it('a waiter keeps waiting while the server is unreachable for a while', { skip }, async (t) => {
    const { server, proxy, auth, judge } = await faulty(t);
    const key = unique('key');
    const holder = await hold(judge, key);
    const { seen, work } = crowd();
    const turns = Array.from({ length: 10 }, () => auth.locks.runExclusive(key, work, { wait: '30s' }));
    await until('all wait', async () => (await waiting(server)) === 10);
    await proxy.refuse();
    holder.leave();
    await holder.done;
    await proxy.pass();
    await Promise.all(turns);
    assert.deepEqual([seen.runs, seen.most], [10, 1]);
  });

  it('a turn that is granted after half of its lease is released', { skip }, async (t) => {
    const { proxy, auth, judge } = await faulty(t);
    const key = unique('key');
    await auth.locks.runExclusive(key, () => 1);
    proxy.delay(150);
    let ran = 0;
    const late = auth.locks.runExclusive(key, () => ran++, { ttl: 200, wait: 500 });
    await assert.rejects(late, fault('STORE_TIMEOUT', /half|too late/));
    assert.equal(ran, 0);
    assert.equal(await judge.locks.runExclusive(key, () => 'free', { wait: '10s' }), 'free');
  });

  it('an unreachable store is reported immediately', { skip }, async (t) => {
    const { proxy, auth } = await faulty(t);
    await proxy.refuse();
    await until('the failure is noticed', async () => !(await auth.health()).ok);
    await assert.rejects(
      auth.locks.runExclusive('k', () => 1, { wait: '30s' }),
      fault('STORE_UNAVAILABLE'),
    );
  });
});
