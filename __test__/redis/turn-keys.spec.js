// The keys of turns on a server: a queue while a caller waits, with an expiry for each key. After that, only a fence
// stays for a day. The spec also puts foreign values under these keys.
'use strict';

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const { open, unique } = require('../support/auths.js');
const { storeFault } = require('../support/faulty.js');
const { KINDS, missing, startServer } = require('../support/servers.js');
const { until } = require('../support/started.js');

/** @typedef {import('../support/servers.js').RealServer} Server */

const DAY = 24 * 3_600_000;
const MANY = 20_000;
const WIDTH = 500;
/** Replaces any value under the key by the result of a command. */
const PUT = "redis.call('DEL', KEYS[1]) return redis.call(unpack(ARGV))";

/**
 * Returns the time to live of each kind of key in milliseconds; -1 means no expiry.
 * @param {Server} server
 * @returns {Promise<Record<string, number>>}
 */
async function ends(server) {
  /** @type {Record<string, number>} */
  const kinds = {};
  for (const key of await server.keys()) kinds[key.split(':')[2]] = await server.command('PTTL', key);
  return kinds;
}

/** @param {Server} server @param {string} kind @returns {Promise<string | undefined>} the only key of that kind */
const keyOf = async (server, kind) => (await server.keys()).find((key) => key.split(':')[2] === kind);

for (const { kind, name } of KINDS) {
  describe(`the keys of turns on ${name}`, async () => {
    const skip = await missing(kind);

    it('expire, and after the last release only eight bytes stay for a day', { skip }, async (t) => {
      const server = await startServer(t, { kind });
      const [auth, other] = [open(t, { store: server.url() }), open(t, { store: server.url() })];
      const lease = await auth.locks.acquire('k', { autoExtend: false, ttl: '20s' });
      const alone = await ends(server);
      assert.deepEqual(Object.keys(alone), ['l']);
      assert.ok(alone.l > DAY - 60_000 && alone.l <= DAY);
      const waiting = other.locks.acquire('k', { wait: '15s' });
      await until('somebody waits', async () => (await keyOf(server, 'lq')) !== undefined);
      const queued = await ends(server);
      assert.deepEqual(Object.keys(queued).sort(), ['l', 'lq', 'lw']);
      for (const left of [queued.lq, queued.lw]) assert.ok(left > 15_000 && left < 120_000, String(left));
      assert.equal(await lease.extend('30s'), true);
      await lease.release();
      await (await waiting).release();
      assert.deepEqual(Object.keys(await ends(server)), ['l']);
      const key = /** @type {string} */ (await keyOf(server, 'l'));
      assert.equal(await server.command('STRLEN', key), 8);

      await auth.tokens.revokeUser(unique(), { barrier: true });
      const all = await ends(server);
      assert.ok(!('tq' in all) && !('tw' in all));
      assert.ok(all.t > 0 && all.t <= DAY);
      for (const left of Object.values(all)) assert.notEqual(left, -1);
    });

    it(`are one fence for each of ${MANY} used keys, and no other key`, { skip }, async (t) => {
      const server = await startServer(t, { kind });
      const auth = open(t, { store: { url: server.url(), commandTimeout: '30s' } });
      let next = 0;
      const lane = async () => {
        while (next < MANY) {
          // Each key is used twice concurrently, so that one caller waits.
          const key = `k${next++}`;
          const work = () => auth.locks.runExclusive(key, () => {}, { ttl: '60s', wait: '30s' });
          await Promise.all([work(), work()]);
        }
      };
      await Promise.all(Array.from({ length: WIDTH }, lane));
      const keys = await server.keys();
      assert.equal(keys.length, MANY);
      assert.ok(keys.every((key) => key.split(':')[2] === 'l'));
      for (const key of keys.slice(0, 200)) {
        assert.equal(await server.command('STRLEN', key), 8);
        assert.ok((await server.command('PTTL', key)) > 0);
      }
    });

    for (const of of ['l', 'lq', 'lw']) {
      it(`grant no turn if a foreign value is under the key of "${of}"`, { skip }, async (t) => {
        const server = await startServer(t, { kind });
        const store = { url: server.url(), commandTimeout: '30s' };
        const [auth, other] = [open(t, { store }), open(t, { store })];
        const lease = await auth.locks.acquire('k', { autoExtend: false, ttl: '60s' });
        const waiting = other.locks.acquire('k', { wait: '60s' });
        await until('somebody waits', async () => (await keyOf(server, 'lw')) !== undefined);
        const key = /** @type {string} */ (await keyOf(server, of));
        await server.command('RENAME', key, 'kept');
        for (const put of [
          ['SET', key, ''],
          ['SET', key, 'eight by'],
          ['SET', key, 'x'.repeat(32)],
          ['RPUSH', key, 'a'],
          ['XADD', key, '*', 'a', 'b'],
        ]) {
          // One step, because a waiter may otherwise restore its own value between two steps.
          await server.command('EVAL', PUT, '1', key, ...put);
          const digest = await server.command('DEBUG', 'DIGEST-VALUE', key);
          await assert.rejects(auth.locks.acquire('k', { wait: 0, ttl: '60s' }), storeFault, put.join(' '));
          assert.deepEqual(
            await server.command('DEBUG', 'DIGEST-VALUE', key),
            digest,
            'the foreign value is unchanged',
          );
        }
        await server.command('RENAME', 'kept', key);
        assert.equal(await lease.release(), true);
        await (await waiting).release();
      });
    }
  });
}
