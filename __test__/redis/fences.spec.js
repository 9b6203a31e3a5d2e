// Fences after a server has lost its last fence. A process that has seen a fence sends it with its request, so that
// the next fence is higher. The server clock advances and would hide a loss, so the lost fence is an hour ahead of
// the clock.
'use strict';

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const { open, unique } = require('../support/auths.js');
const { slotOf, slotOfUser, startCluster } = require('../support/clusters.js');
const { DEADLINES } = require('../support/faulty.js');
const { startSentinels } = require('../support/sentinels.js');
const { KINDS, missing, startServer } = require('../support/servers.js');
const { until } = require('../support/started.js');

/** @typedef {import('latchgate').Auth} Auth */
/** @typedef {import('../support/servers.js').RealServer} Server */

const HOUR_US = 3_600_000_000n;
/** More keys than the number for which a process remembers single fences. */
const OTHERS = 10_001;

/** Returns the server key of a turn. @param {string} key */
const place = (key) => `lg:{${slotOf(key)}}:l:${key}`;

/**
 * @param {Auth} auth
 * @param {string} key
 * @returns {Promise<number>} the fence of a turn that is released immediately
 */
const fenceOf = (auth, key) => auth.locks.runExclusive(key, ({ fence }) => fence, { wait: '30s' });

/**
 * Sets the last fence of a key to an hour ahead of the server clock.
 * @param {Server} server
 * @param {string} key
 * @returns {Promise<number>} this fence
 */
async function putAhead(server, key) {
  const [seconds, us] = await server.command('TIME');
  const fence = BigInt(seconds) * 1_000_000n + BigInt(us) + HOUR_US;
  const state = Buffer.alloc(8);
  state.writeBigUInt64BE(fence);
  assert.equal(state[0], 0, 'the turn is free');
  await server.command('SET', place(key), state);
  return Number(fence);
}

/** Acquires a fence that is ahead of the server clock. @param {Server} server @param {Auth} auth @param {string} key */
async function hadAhead(server, auth, key) {
  const ahead = await putAhead(server, key);
  const fence = await fenceOf(auth, key);
  assert.equal(fence, ahead + 1);
  return fence;
}

/**
 * Asserts that the server has lost the fence: a process that has not seen this fence gets a lower fence.
 * @param {Auth} stranger
 * @param {string} key
 * @param {number} fence
 */
async function assertLost(stranger, key, fence) {
  assert.ok((await fenceOf(stranger, key)) < fence, 'the server still knows the fence');
}

for (const { kind, name } of KINDS) {
  describe(`fences on ${name}`, async () => {
    const skip = await missing(kind);

    it('are higher than the fences that the process has seen, after the key is lost', { skip }, async (t) => {
      const server = await startServer(t, { kind });
      const [auth, stranger] = [1, 2].map(() => open(t, { store: server.url() }));
      const key = unique('key');
      const fence = await hadAhead(server, auth, key);
      await server.command('DEL', place(key));
      await assertLost(stranger, key, fence);
      const next = await fenceOf(auth, key);
      assert.ok(next > fence);
      assert.ok((await fenceOf(stranger, key)) > next, 'the server now knows the fence');
    });

    it(`stay higher after ${OTHERS} other keys`, { skip }, async (t) => {
      const server = await startServer(t, { kind });
      const [auth, stranger] = [1, 2].map(() => open(t, { store: server.url() }));
      const key = unique('key');
      const fence = await hadAhead(server, auth, key);
      for (let n = 0; n < OTHERS; n += 200) {
        const keys = Array.from({ length: Math.min(200, OTHERS - n) }, (_each, i) => `other-${n + i}`);
        await Promise.all(keys.map((each) => fenceOf(auth, each)));
      }
      await server.command('DEL', place(key));
      await assertLost(stranger, key, fence);
      assert.ok((await fenceOf(auth, key)) > fence);
    });

    it('stay higher after a restart of the server without its data', { skip }, async (t) => {
      const server = await startServer(t, { kind });
      const [auth, stranger] = [1, 2].map(() => open(t, { store: { url: server.url(), ...DEADLINES } }));
      const key = unique('key');
      const fence = await hadAhead(server, auth, key);
      await server.restart();
      assert.equal(await server.command('EXISTS', place(key)), 0);
      await until('both processes reach the server', () => Promise.all([auth.ready(), stranger.ready()]));
      await assertLost(stranger, key, fence);
      assert.ok((await fenceOf(auth, key)) > fence);
    });

    it('stay higher after a failover by Sentinel to a replica without the fence', { skip }, async (t) => {
      const set = await startSentinels(t, { kind });
      const [auth, stranger] = [1, 2].map(() => open(t, { store: { url: set.url(), ...DEADLINES } }));
      await Promise.all([auth.ready(), stranger.ready()]);
      const key = unique('key');
      const primary = await set.primary();
      const join = await set.cutOff();
      const fence = await hadAhead(primary, auth, key);
      await primary.stop();
      join();
      await set.failedOver(primary);
      await Promise.all([auth, stranger].map((each) => set.leads(each)));
      await assertLost(stranger, key, fence);
      assert.ok((await fenceOf(auth, key)) > fence);
    });

    it('stay higher after a failover of a Cluster to a replica without the fence', {
      skip,
    }, async (t) => {
      const servers = await startCluster(t, { kind });
      const [auth, stranger] = [1, 2].map(() => open(t, { store: { url: servers.url(), ...DEADLINES } }));
      await Promise.all([auth.ready(), stranger.ready()]);
      const [master] = await servers.masters();
      const [replica] = await servers.replicasOf(master);
      const [key] = await servers.usersOf(master, () => unique('key'), 1);
      replica.pause();
      await master.command('CLIENT', 'KILL', 'TYPE', 'replica');
      const fence = await hadAhead(master, auth, key);
      await master.stop();
      replica.resume();
      await servers.failedOver(master, slotOfUser(key));
      for (const each of [auth, stranger]) await servers.leads(each);
      await assertLost(stranger, key, fence);
      assert.ok((await fenceOf(auth, key)) > fence);
    });
  });
}
