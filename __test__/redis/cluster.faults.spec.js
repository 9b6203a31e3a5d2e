// Nodes of a Cluster that crash, hang, change roles and lose scripts under load. Every acknowledged operation is
// accounted for. A node that hangs affects only the users whose slots it serves.
'use strict';

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const { open, unique } = require('../support/auths.js');
const { slotOf, slotOfUser, startCluster } = require('../support/clusters.js');
const { DEADLINES, recovered, status, tally } = require('../support/faulty.js');
const { token } = require('../support/jwt.js');
const { sound, work } = require('../support/ledger.js');
const { KINDS, missing } = require('../support/servers.js');
const { until } = require('../support/started.js');

/** @typedef {import('node:test').TestContext} Test */
/** @typedef {import('../support/servers.js').RealServer} Server */
/** @typedef {Awaited<ReturnType<typeof startCluster>>} Cluster */

const OPTIONS = { sessions: { admission: /** @type {const} */ ('first-use') } };
const TRIES = 200;

/** @param {Test} t @param {Parameters<typeof startCluster>[1]} options @param {object} [deadlines] */
async function cluster(t, options, deadlines = DEADLINES) {
  const servers = await startCluster(t, options);
  const auth = open(t, { ...OPTIONS, store: { url: servers.url(), ...deadlines } });
  const judge = open(t, { ...OPTIONS, store: servers.url(servers.nodes) });
  await Promise.all([auth.ready(), judge.ready()]);
  return { servers, auth, judge };
}

/**
 * Returns tokens of users whose slots a master serves.
 * @param {Cluster} servers
 * @param {Server} master
 * @param {number} count
 */
const tokensOf = async (servers, master, count) =>
  (await servers.usersOf(master, unique, count)).map((sub) => token({ sub, sid: 's' }));

/** @type {Array<{ what: string, fell: (master: Server, replica: Server) => Promise<unknown>, back: (master: Server) => Promise<unknown> | void, isPlanned?: boolean }>} */
const FALLS = [
  {
    what: 'is killed and restarted',
    fell: (master) => master.stop(),
    back: (master) => master.start(),
  },
  {
    what: 'hangs and resumes',
    fell: async (master) => master.pause(),
    back: (master) => master.resume(),
  },
  {
    what: 'is replaced by its replica (CLUSTER FAILOVER)',
    fell: (_master, replica) => replica.command('CLUSTER', 'FAILOVER'),
    back: () => {},
    isPlanned: true,
  },
];

for (const { kind, name } of KINDS) {
  describe(`while a master of a Cluster of ${name} under load`, async () => {
    const skip = await missing(kind);
    for (const { what, fell, back, isPlanned } of FALLS) {
      it(`${what}, nothing is granted beyond a limit, nothing is done twice, and no write that its replica had is lost`, {
        skip,
      }, async (t) => {
        const { servers, auth, judge } = await cluster(t, { kind });
        const [master] = await servers.masters();
        const [replica] = await servers.replicasOf(master);
        const users = [
          ...(await servers.usersOf(master, unique, 4)),
          ...Array.from({ length: 4 }, () => unique()),
        ];
        const going = work(t, auth, users);
        await going.smooth();
        going.mark();
        for (const node of await servers.masters()) {
          const [{ from }] = (await servers.slots()).filter(({ master }) => master === node);
          await node.command('SET', keyOf(from), 1);
          assert.equal(await node.command('WAIT', 1, 10_000), 1);
        }
        await fell(master, replica);
        const next = await servers.failedOver(master, slotOfUser(users[0]));
        await until('the new master runs scripts', async () => {
          await going.smooth();
          return (await next.scriptsRun()) > 0;
        });
        await back(master);
        await servers.follows(master);
        await master.resetStats();
        await going.smooth();
        await servers.leads(judge);
        const account = await going.account(judge);
        t.diagnostic(JSON.stringify(account));
        sound(account);
        assert.equal(account.lostEarly, 0);
        if (isPlanned) assert.equal(account.lost, 0);
        assert.equal(await master.scriptsRun(), 0, 'a former master runs nothing');
      });
    }
  });

  describe(`while one node of a Cluster of ${name} hangs`, async () => {
    const skip = await missing(kind);
    /** Much longer than the test: no node declares another node failed. */
    const quiet = { kind, replicas: 0, nodeTimeout: 60_000 };

    it('users of the other nodes are decided, its own users get 503 at their timeout, and it recovers', {
      skip,
    }, async (t) => {
      const { servers, auth } = await cluster(t, quiet);
      const [hung, ...others] = await servers.masters();
      const its = await tokensOf(servers, hung, TRIES);
      const theirs = (await Promise.all(others.map((each) => tokensOf(servers, each, TRIES)))).flat();
      assert.deepEqual(await tally(auth, [...its, ...theirs]), { 200: its.length + theirs.length });
      hung.pause();
      for (let round = 0; round < 3; round++) {
        const waiting = tally(auth, its);
        // The requests run one after the other. Each ends within the timeout while the requests to the other node
        // wait without effect.
        for (const text of theirs) assert.equal(await status(auth, text), 200);
        assert.deepEqual(await tally(auth, theirs), { 200: theirs.length });
        assert.deepEqual(await waiting, { 503: TRIES });
      }
      hung.resume();
      await recovered(auth, its[0]);
      assert.deepEqual(await tally(auth, its), { 200: TRIES });
    });

    it('and another node loses its scripts, the users of the other node are decided', { skip }, async (t) => {
      const { servers, auth } = await cluster(t, quiet);
      const [hung, forgetful] = await servers.masters();
      const texts = await tokensOf(servers, forgetful, TRIES);
      assert.deepEqual(await tally(auth, texts), { 200: TRIES });
      hung.pause();
      for (let round = 0; round < 5; round++) {
        const asking = tally(auth, texts);
        await forgetful.scriptFlush();
        assert.deepEqual(await asking, { 200: TRIES });
      }
      hung.resume();
    });

    it('a process that starts finds the other nodes through any node that answers', { skip }, async (t) => {
      const { servers } = await cluster(t, quiet);
      const [hung, ...others] = await servers.masters();
      const texts = (await Promise.all(others.map((each) => tokensOf(servers, each, 20)))).flat();
      hung.pause();
      const late = open(t, { ...OPTIONS, store: { url: servers.url([hung, others[0]]), ...DEADLINES } });
      await until(
        'the process has found the other nodes',
        async () => (await tally(late, texts))[200] === texts.length,
      );
      hung.resume();
      await until('the process has found the node that hung', async () => {
        const [its] = await tokensOf(servers, hung, 1);
        return (await status(late, its)) === 200;
      });
    });
  });

  describe(`a Cluster of ${name}`, async () => {
    const skip = await missing(kind);

    it('is found through one replica alone, with a password', { skip }, async (t) => {
      const servers = await startCluster(t, { kind, password: 'p@ss w/rd' });
      const [replica] = await servers.replicasOf((await servers.masters())[0]);
      const auth = open(t, { ...OPTIONS, store: servers.url([replica]) });
      await auth.ready();
      for (const master of await servers.masters())
        assert.deepEqual(await tally(auth, await tokensOf(servers, master, 20)), { 200: 20 });
    });

    it('accepts a new master, and clients follow a slot that moves to it', { skip }, async (t) => {
      // A script that creates a key next to existing keys waits until the slot has moved. This takes long on a busy
      // machine.
      const patient = { commandTimeout: '20s' };
      const { servers, auth, judge } = await cluster(t, { kind, masters: 2, replicas: 0 }, patient);
      const user = unique();
      const going = work(t, auth, [user]);
      await going.smooth();
      const added = await servers.join(t);
      await servers.moveSlot(slotOfUser(user), added);
      await going.smooth();
      await servers.leads(judge);
      const account = await going.account(judge);
      sound(account);
      const { lost, unknown, notRun } = account;
      assert.deepEqual({ lost, unknown, notRun }, { lost: 0, unknown: 0, notRun: 0 });
      assert.ok((await added.scriptsRun()) > 0);
    });
  });
}

/** Returns a key of a slot, for a write of the test itself. @param {number} slot */
function keyOf(slot) {
  for (let n = 0; ; n++) if (slotOf(`mark-${n}`) === slot) return `mark-${n}`;
}
