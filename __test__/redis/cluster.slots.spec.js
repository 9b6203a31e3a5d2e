// Slots that move from one master to another under load: every operation is done once, and no operation fails.
'use strict';

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const { open, unique } = require('../support/auths.js');
const { slotOfUser, startCluster } = require('../support/clusters.js');
const { DEADLINES, recovered, status } = require('../support/faulty.js');
const { token } = require('../support/jwt.js');
const { sound, work } = require('../support/ledger.js');
const { KINDS, missing } = require('../support/servers.js');
const { until } = require('../support/started.js');

const OPTIONS = { sessions: { admission: /** @type {const} */ ('first-use') } };
const ROUNDS = 3;

/** @param {import('node:test').TestContext} t @param {'redis' | 'valkey'} kind */
async function cluster(t, kind) {
  const servers = await startCluster(t, { kind, replicas: 0 });
  // A script that creates a key next to existing keys waits until the slot has moved. On a busy machine this takes
  // longer than the default timeout.
  const auth = open(t, { ...OPTIONS, store: { url: servers.url(), commandTimeout: '20s' } });
  await auth.ready();
  return { servers, auth };
}

/**
 * Sets up a user with a session, whose keys are being moved: some keys have moved, and the others have not.
 * @param {import('node:test').TestContext} t @param {'redis' | 'valkey'} kind @param {number} gone
 */
async function halfway(t, kind, gone) {
  const { servers, auth } = await cluster(t, kind);
  const user = unique();
  const live = token({ sub: user, sid: 'live' });
  assert.equal(await status(auth, live), 200);
  const slot = slotOfUser(user);
  const owner = await servers.ownerOf(slot);
  const [to] = (await servers.masters()).filter((master) => master !== owner);
  const from = await servers.beginMove(slot, to);
  const keys = await from.command('CLUSTER', 'GETKEYSINSLOT', slot, 100);
  assert.ok(keys.length >= 2, 'a session has two keys');
  const some = keys.slice(0, gone);
  const rest = keys.slice(gone);
  await servers.moveKeys(from, to, some);
  const end = async () => {
    await servers.moveKeys(from, to, rest);
    await servers.endMove(slot, from, to);
  };
  return { servers, auth, user, live, slot, from, to, end };
}

for (const { kind, name } of KINDS) {
  describe(`while slots of a Cluster of ${name}`, async () => {
    const skip = await missing(kind);

    it('move to and fro under load, every operation is done once and no operation fails', {
      skip,
    }, async (t) => {
      const { servers, auth } = await cluster(t, kind);
      const users = Array.from({ length: 5 }, () => unique());
      const going = work(t, auth, users);
      await going.smooth();
      const wereSentOn = async () => (await servers.errors('MOVED')) > 0 && (await servers.errors('ASK')) > 0;
      // A request meets a moving slot only by chance. The test continues until one request has met it.
      for (let round = 0; round < ROUNDS || (round < 50 * ROUNDS && !(await wereSentOn())); round++) {
        for (const user of users) {
          const slot = slotOfUser(user);
          const masters = await servers.masters();
          const at = masters.indexOf(await servers.ownerOf(slot));
          await servers.moveSlot(slot, masters[(at + 1) % masters.length]);
        }
        await going.smooth(1);
      }
      await going.smooth();
      const account = await going.account(auth);
      t.diagnostic(JSON.stringify(account));
      const [moved, ask] = [await servers.errors('MOVED'), await servers.errors('ASK')];
      t.diagnostic(`MOVED ${moved}, ASK ${ask}, TRYAGAIN ${await servers.errors('TRYAGAIN')}`);
      sound(account);
      const { lost, unknown, notRun, requests } = account;
      assert.deepEqual({ lost, unknown, notRun }, { lost: 0, unknown: 0, notRun: 0 });
      assert.deepEqual(Object.keys(requests), ['200']);
      assert.ok(moved > 0 && ask > 0, 'clients were redirected');
    });

    it('are moving and all keys of a user have moved (ASK), the new owner decides', { skip }, async (t) => {
      const { servers, auth, user, live, from, to, end } = await halfway(t, kind, 100);
      const before = await to.scriptsRun();
      assert.equal(await status(auth, live), 200);
      assert.equal((await auth.counters.add(user, 'c', 1)).value, 1);
      assert.ok((await servers.errors('ASK')) >= 2);
      assert.equal(await to.scriptsRun(), before + 2);
      await end();
      const left = await from.scriptsRun();
      for (let n = 0; n < 10; n++) assert.equal(await status(auth, live), 200);
      assert.equal((await auth.counters.add(user, 'c', 1)).value, 2);
      assert.equal(await from.scriptsRun(), left, 'the old owner runs no script for this user');
      assert.equal(await to.scriptsRun(), before + 13);
    });

    it('are moving and half of the keys of a user have moved (TRYAGAIN), calls are retried until the move is complete', {
      skip,
    }, async (t) => {
      const { servers, auth, user, live, end } = await halfway(t, kind, 1);
      const asked = auth.sessions.admit(user, { sessionId: 'second' });
      const decided = status(auth, live);
      await until('a node has answered TRYAGAIN', async () => (await servers.errors('TRYAGAIN')) > 0);
      await end();
      assert.equal((await asked).admitted, true);
      assert.equal(await decided, 200);
      assert.equal((await auth.sessions.list(user)).length, 2);
    });

    it('stay half moved for longer than the timeout, calls fail with 503 and have no effect', {
      skip,
    }, async (t) => {
      const { servers, auth: judge, user, live, end } = await halfway(t, kind, 1);
      const auth = open(t, { ...OPTIONS, store: { url: servers.url(), ...DEADLINES } });
      await assert.rejects(
        auth.sessions.admit(user, { sessionId: 'second' }),
        (/** @type {any} */ error) =>
          error.code === 'ERR_LATCHGATE_STORE_UNAVAILABLE' && error.status === 503,
      );
      assert.equal(await status(auth, live), 503);
      await end();
      await recovered(auth, live);
      assert.equal((await judge.sessions.list(user)).length, 1);
    });

    it('have no owner, users of other slots are decided, and users of these slots as soon as an owner exists', {
      skip,
    }, async (t) => {
      const { servers, auth: judge } = await cluster(t, kind);
      const auth = open(t, { ...OPTIONS, store: { url: servers.url(), ...DEADLINES } });
      const user = unique();
      const slot = slotOfUser(user);
      const owner = await servers.ownerOf(slot);
      for (const node of servers.nodes) await node.command('CLUSTER', 'DELSLOTS', slot);
      const [other] = await servers.usersOf(owner, unique, 1);
      const live = token({ sub: user, sid: 's' });
      assert.equal(await status(auth, live), 503);
      assert.equal(await status(auth, token({ sub: other, sid: 's' })), 200);
      await owner.command('CLUSTER', 'ADDSLOTS', slot);
      await recovered(auth, live);
      assert.equal((await judge.sessions.list(user)).length, 1);
    });
  });
}
