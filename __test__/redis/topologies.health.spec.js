// health() in each topology: the topology, the primaries, and the replicas that follow, before and after a failover.
'use strict';

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const { open, unique } = require('../support/auths.js');
const { slotOfUser, startCluster } = require('../support/clusters.js');
const { DEADLINES, recovered } = require('../support/faulty.js');
const { token } = require('../support/jwt.js');
const { startSentinels } = require('../support/sentinels.js');
const { KINDS, missing, startServer } = require('../support/servers.js');
const { until } = require('../support/started.js');

/** @typedef {import('../support/servers.js').RealServer} Server */
/** @typedef {Awaited<ReturnType<import('latchgate').Auth['health']>>} Health */

const OPTIONS = { sessions: { admission: /** @type {const} */ ('first-use') } };

/** @param {Server} server */
const at = ({ port }) => `127.0.0.1:${port}`;

/** @param {Server[]} servers */
const all = (servers) => servers.map(at).sort();

/** @param {Health} health @returns the addresses of the online replicas */
const inStep = ({ replicas = [] }) =>
  replicas
    .filter(({ online }) => online)
    .map(({ address, lagBytes }) => {
      assert.ok(Number.isSafeInteger(lagBytes) && lagBytes >= 0);
      return address;
    })
    .sort();

for (const { kind, name } of KINDS) {
  describe(`health() on ${name}`, async () => {
    const skip = await missing(kind);

    it('names a single server, and the lag of its replica', { skip }, async (t) => {
      const primary = await startServer(t, { kind });
      const auth = open(t, { ...OPTIONS, store: primary.url() });
      await auth.ready();
      const alone = await auth.health();
      assert.equal(alone.topology, 'standalone');
      assert.equal(alone.primary, at(primary));
      assert.deepEqual(alone.replicas, []);
      assert.equal('unreachable' in alone, false);
      const config = { replicaof: `127.0.0.1 ${primary.port}` };
      const replica = await startServer(t, { kind, config });
      await until('it follows', async () => inStep(await auth.health()).includes(at(replica)));
      replica.pause();
      await auth.sessions.admit(unique());
      const [{ address, lagBytes }] = (await auth.health()).replicas ?? [];
      assert.equal(address, at(replica));
      assert.ok(lagBytes > 0, 'the replica has not confirmed data that it has not read');
      replica.resume();
      await until(
        'the replica has caught up',
        async () => (await auth.health()).replicas?.[0].lagBytes === 0,
      );
    });

    it('omits replicas if the login may not ask for them', { skip }, async (t) => {
      const server = await startServer(t, { kind });
      const rights = ['on', '>word', '~lg:*', '&*', '+@all', '-info', '-@admin'];
      await server.command('ACL', 'SETUSER', 'few', ...rights);
      const auth = open(t, { ...OPTIONS, store: `redis://few:word@127.0.0.1:${server.port}` });
      await auth.ready();
      const health = await auth.health();
      assert.equal(health.ok, true);
      assert.equal(health.primary, at(server));
      assert.equal('replicas' in health, false);
    });

    it('names the primary that the Sentinels name, and the new primary after a failover', {
      skip,
    }, async (t) => {
      const set = await startSentinels(t, { kind });
      const auth = open(t, { ...OPTIONS, store: { url: set.url(), ...DEADLINES } });
      await auth.ready();
      const [primary, replicas] = [await set.primary(), await set.replicas()];
      const before = await auth.health();
      assert.deepEqual(
        { ok: before.ok, topology: before.topology, primary: before.primary, replicas: inStep(before) },
        { ok: true, topology: 'sentinel', primary: at(primary), replicas: all(replicas) },
      );
      await primary.stop();
      await until('the failure is noticed', async () => !(await auth.health()).ok);
      const next = await set.failedOver(primary);
      await recovered(auth, token({ sub: unique(), sid: 's' }));
      const left = replicas.filter((replica) => replica !== next);
      await until(
        'the other replica follows',
        async () => inStep(await auth.health()).length === left.length,
      );
      const after = await auth.health();
      assert.deepEqual(
        { ok: after.ok, primary: after.primary, replicas: inStep(after) },
        { ok: true, primary: at(next), replicas: all(left) },
      );
    });

    it('names the masters of a Cluster, their replicas, and unreachable masters', {
      skip,
    }, async (t) => {
      const servers = await startCluster(t, { kind });
      const auth = open(t, { ...OPTIONS, store: { url: servers.url(), ...DEADLINES } });
      await auth.ready();
      const masters = await servers.masters();
      const replicas = servers.nodes.filter((node) => !masters.includes(node));
      const before = await auth.health();
      assert.ok(Array.isArray(before.primary));
      assert.deepEqual(
        { ok: before.ok, topology: before.topology, primary: [...before.primary].sort() },
        { ok: true, topology: 'cluster', primary: all(masters) },
      );
      assert.deepEqual(inStep(before), all(replicas));
      assert.deepEqual(before.unreachable, []);
      const [master] = masters;
      const [user] = await servers.usersOf(master, unique, 1);
      await master.stop();
      await until('the unreachable master is named', async () => {
        const { ok, unreachable = [] } = await auth.health();
        return !ok && unreachable.length === 1 && unreachable[0] === at(master);
      });
      const next = await servers.failedOver(master, slotOfUser(user));
      await recovered(auth, token({ sub: user, sid: 's' }));
      await until('health() reports ok', async () => (await auth.health()).ok);
      const after = await auth.health();
      const now = [next, ...masters.filter((each) => each !== master)];
      assert.ok(Array.isArray(after.primary));
      assert.deepEqual([...after.primary].sort(), all(now));
      assert.deepEqual(after.unreachable, []);
    });
  });
}
