// Fences where a server has lost those that it gave: whoever has seen one says so when it asks, and the next lies above it. The
// server's clock would hide that, because it goes on: so the fence that is lost lies an hour ahead of it.
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
/** More than a process remembers one by one. */
const OTHERS = 10_001;

/** Where the turn of a key lies. @param {string} key */
const place = (key) => `lg:{${slotOf(key)}}:l:${key}`;

/** @param {Auth} auth @param {string} key @returns {Promise<number>} the fence of a turn that is given up again */
const fenceOf = (auth, key) => auth.locks.runExclusive(key, ({ fence }) => fence, { wait: '30s' });

/** The last fence of a key lies an hour ahead of the server's clock. @param {Server} server @param {string} key @returns {Promise<number>} it */
async function putAhead(server, key) {
  const [seconds, us] = await server.command('TIME');
  const fence = BigInt(seconds) * 1_000_000n + BigInt(us) + HOUR_US;
  const state = Buffer.alloc(8);
  state.writeBigUInt64BE(fence);
  assert.equal(state[0], 0, 'held by nobody');
  await server.command('SET', place(key), state);
  return Number(fence);
}

/** A fence that an Auth has had, above the server's clock. @param {Server} server @param {Auth} auth @param {string} key */
async function hadAhead(server, auth, key) {
  const ahead = await putAhead(server, key);
  const fence = await fenceOf(auth, key);
  assert.equal(fence, ahead + 1);
  return fence;
}

/** The server gives the turn to those who have not seen the fence under a lower one: it has lost it. @param {Auth} stranger @param {string} key @param {number} fence */
async function assertLost(stranger, key, fence) {
  assert.ok((await fenceOf(stranger, key)) < fence, 'the server still knows the fence');
}

for (const { kind, name } of KINDS) {
  describe(`fences on ${name}`, async () => {
    const skip = await missing(kind);

    it('lie above what the process has seen, where the key is lost', { skip }, async (t) => {
      const server = await startServer(t, { kind });
      const [auth, stranger] = [1, 2].map(() => open(t, { store: server.url() }));
      const key = unique('key');
      const fence = await hadAhead(server, auth, key);
      await server.command('DEL', place(key));
      await assertLost(stranger, key, fence);
      const next = await fenceOf(auth, key);
      assert.ok(next > fence);
      assert.ok((await fenceOf(stranger, key)) > next, 'and now the server knows it');
    });

    it(`and after ${OTHERS} other keys`, { skip }, async (t) => {
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

    it('and after a restart of the server without its data', { skip }, async (t) => {
      const server = await startServer(t, { kind });
      const [auth, stranger] = [1, 2].map(() => open(t, { store: { url: server.url(), ...DEADLINES } }));
      const key = unique('key');
      const fence = await hadAhead(server, auth, key);
      await server.restart();
      assert.equal(await server.command('EXISTS', place(key)), 0);
      await until('both reach it', () => Promise.all([auth.ready(), stranger.ready()]));
      await assertLost(stranger, key, fence);
      assert.ok((await fenceOf(auth, key)) > fence);
    });

    it('and after a failover by Sentinel to a replica that had not heard of it', { skip }, async (t) => {
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

    it('and after the fall of a master of a Cluster whose replica had not heard of it', {
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
