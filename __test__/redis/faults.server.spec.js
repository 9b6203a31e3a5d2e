// States in which a server answers but does not execute commands: it is loading, busy, full, a replica, or without
// our scripts. The status is 503 if there is no answer, nothing is half done, and the store recovers automatically.
'use strict';

const assert = require('node:assert/strict');
const { mkdirSync } = require('node:fs');
const path = require('node:path');
const { describe, it } = require('node:test');
const { unique } = require('../support/auths.js');
const { faulty, newcomers, recovered, status, storeFault, tally } = require('../support/faulty.js');
const { read, token } = require('../support/jwt.js');
const { KINDS, missing, startServer } = require('../support/servers.js');
const { until } = require('../support/started.js');

/** @typedef {import('../support/servers.js').RealServer} Server */
/** @typedef {{ name: string, enter: (server: Server, t: import('node:test').TestContext) => Promise<() => Promise<any>>, strict?: boolean, left?: boolean }} State */

const TRIES = 20;

/**
 * States of the server; `enter` returns the function that ends the state. `strict`: not even a check that writes
 * nothing may pass. `left`: the store closes the connection and looks for another server. @type {State[]}
 */
const STATES = [
  {
    name: 'is a replica (READONLY)',
    strict: true,
    left: true,
    enter: async (server, t) => {
      const { port } = await startServer(t, { kind: server.kind });
      await server.command('REPLICAOF', '127.0.0.1', port);
      await until('it follows', async () => (await server.info('replication')).master_link_status === 'up');
      return () => server.command('REPLICAOF', 'NO', 'ONE');
    },
  },
  {
    name: 'is a replica whose master is gone (MASTERDOWN)',
    strict: true,
    left: true,
    enter: async (server) => {
      await server.configure('replica-serve-stale-data', 'no');
      await server.command('REPLICAOF', '127.0.0.1', 1);
      return () => server.command('REPLICAOF', 'NO', 'ONE');
    },
  },
  {
    name: 'runs an endless script (BUSY)',
    strict: true,
    enter: async (server) => {
      const busy = await server.connect();
      const running = busy.command('EVAL', 'while true do end', 0).catch(() => {});
      await until('the server is busy', async () => {
        const asking = await server.connect();
        const answer = await asking.command('PING').catch((error) => error.message);
        asking.close();
        return /^BUSY/.test(answer);
      });
      return async () => {
        const killer = await server.connect();
        await killer.command('SCRIPT', 'KILL');
        await running;
        killer.close();
        busy.close();
      };
    },
  },
  {
    name: 'could not save and refuses writes (MISCONF)',
    enter: async (server) => {
      await server.configure('save', '3600 1000000');
      // A directory has the name of the dump.
      mkdirSync(path.join(server.directory, 'dump.rdb'));
      await server.command('BGSAVE');
      await until('the save has failed', async () => {
        const { rdb_bgsave_in_progress: running, rdb_last_bgsave_status: last } =
          await server.info('persistence');
        return running === '0' && last === 'err';
      });
      return () => server.configure('stop-writes-on-bgsave-error', 'no');
    },
  },
  {
    name: 'has too few replicas (NOREPLICAS)',
    enter: async (server) => {
      await server.configure('min-replicas-to-write', 1);
      return () => server.configure('min-replicas-to-write', 0);
    },
  },
  {
    name: 'has revoked the right to run scripts (NOPERM)',
    strict: true,
    enter: async (server) => {
      await server.command('ACL', 'SETUSER', 'default', '-eval', '-evalsha', '-fcall');
      return () => server.command('ACL', 'SETUSER', 'default', '+@all');
    },
  },
];

for (const { kind, name: server } of KINDS) {
  describe(`while ${server}`, async () => {
    const skip = await missing(kind);
    for (const { name, enter, strict, left } of STATES) {
      it(`${name}, requests are 503, nothing is half done, and it recovers`, { skip }, async (t) => {
        const { server, proxy, auth, judge, live, user } = await faulty(t, { server: { kind } });
        /** @type {string[]} */
        const told = [];
        for (const event of /** @type {const} */ (['store-error', 'store-recovered']))
          auth.on(event, () => void told.push(event));
        const leave = await enter(server, t);
        const { connections } = proxy;
        assert.deepEqual(await tally(auth, newcomers(TRIES, user)), { 503: TRIES });
        const [seen] = Object.keys(await tally(auth, Array(TRIES).fill(live)));
        assert.ok(seen === '503' || (seen === '200' && !strict), `a live session gets ${seen}`);
        await assert.rejects(auth.tokens.revoke(live), storeFault);
        await assert.rejects(auth.sessions.admit(user), storeFault);
        if (left) {
          assert.deepEqual(told, ['store-error']);
          await until('another connection is tried', () => proxy.connections > connections);
        }
        await leave();
        await recovered(auth, live);
        if (left) {
          await until('the recovery event is emitted', () => told.length > 1);
          assert.deepEqual(told, ['store-error', 'store-recovered']);
        }
        assert.deepEqual(
          (await judge.sessions.list(user)).map(({ sessionId }) => sessionId),
          ['live'],
        );
        assert.equal(await judge.tokens.isRevoked(live), false);
      });
    }

    it('loads its data (LOADING), requests are 503, and it recovers', { skip }, async (t) => {
      const { server, auth, live } = await faulty(t, { server: { kind } });
      for (let n = 0; n < 300; n++) await server.command('SET', `filling:${n}`, 'x'.repeat(200));
      await server.command('SAVE');
      // Loading would take many seconds; the test ends it earlier.
      server.amend({ 'key-load-delay': 25_000, 'loading-process-events-interval-bytes': 1024 });
      await server.restart({ loading: true });
      assert.equal((await server.info('persistence')).loading, '1');
      assert.deepEqual(await tally(auth, Array(TRIES).fill(live)), { 503: TRIES });
      await server.configure('key-load-delay', 0);
      await recovered(auth, live);
    });

    it('is out of memory, revoke() and admit() reject, and checks of live sessions still work', {
      skip,
    }, async (t) => {
      const { server, auth, judge, live, user } = await faulty(t, { server: { kind } });
      const revoked = token({ sub: user, sid: 'revoked' });
      await auth.tokens.revoke(revoked);
      await server.configure('maxmemory', 1);
      assert.deepEqual(await tally(auth, Array(TRIES).fill(live)), { 200: TRIES });
      assert.equal(await status(auth, revoked), 401);
      await assert.rejects(auth.tokens.revoke(live), storeFault);
      await assert.rejects(auth.tokens.revokeUser(user), storeFault);
      await assert.rejects(auth.sessions.admit(user), storeFault);
      const { 200: admitted = 0, 503: denied = 0 } = await tally(auth, newcomers(TRIES, user));
      assert.equal(admitted + denied, TRIES);
      await server.configure('maxmemory', 0);
      assert.equal(await status(auth, live), 200);
      assert.equal(await judge.tokens.isRevoked(live), false);
      assert.equal(
        (await judge.sessions.list(user)).length,
        1 + admitted,
        'every admitted session is listed',
      );
      assert.equal(await auth.tokens.revoke(live), true);
      assert.equal(await status(auth, live), 401);
    });

    it('loses its scripts under load, every request is answered as before', { skip }, async (t) => {
      const { server, auth, live } = await faulty(t, { server: { kind } });
      for (let round = 0; round < 10; round++) {
        const asking = tally(auth, Array(TRIES).fill(live));
        await server.scriptFlush();
        assert.deepEqual(await asking, { 200: TRIES });
      }
      assert.deepEqual(await tally(auth, Array(TRIES).fill(live)), { 200: TRIES });
    });

    it('closes all connections repeatedly, requests are 200 or 503, and it recovers', {
      skip,
    }, async (t) => {
      const { server, auth, live } = await faulty(t, { server: { kind } });
      for (let round = 0; round < 10; round++) {
        const asking = tally(auth, Array(TRIES).fill(live));
        await server.command('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
        const counts = await asking;
        assert.equal((counts[200] ?? 0) + (counts[503] ?? 0), TRIES, JSON.stringify(counts));
      }
      await recovered(auth, live);
    });

    it('restarts with its data on disk, no revocation is lost', { skip }, async (t) => {
      const { server, auth, live, user } = await faulty(t, { server: { kind, appendonly: true } });
      const revoked = token({ sub: user, sid: 'revoked' });
      await auth.tokens.revoke(revoked);
      const blocked = unique();
      await auth.tokens.blockUser(blocked);
      await server.restart();
      await recovered(auth, live);
      assert.equal(await status(auth, revoked), 401);
      assert.equal(await status(auth, token({ sub: blocked, sid: 's' })), 403);
    });

    it('restarts without data on disk, the loss is noticed and reported', { skip }, async (t) => {
      const { server, auth, live } = await faulty(t, { server: { kind } });
      const revoked = token({ sub: unique(), sid: 's' });
      await auth.tokens.revoke(revoked);
      const before = (await auth.health()).warnings;
      await server.restart();
      await recovered(auth, live);
      await until('a warning states that revocations are gone', async () => {
        const { warnings } = await auth.health();
        return warnings.some(
          (warning) => !before.includes(warning) && /restart|lost|forg[eo]t/i.test(warning),
        );
      });
      assert.ok(await auth.tokens.issue(String(read(live).sub)), 'work continues');
    });
  });
}
