// store.acks: what is told only once replicas hold it, and what is said where too few do.
'use strict';

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const { fault, open, unique } = require('../support/auths.js');
const { settled, status } = require('../support/faulty.js');
const { token } = require('../support/jwt.js');
const { KINDS, missing, startServer } = require('../support/servers.js');
const { until } = require('../support/started.js');

/** @typedef {import('../support/servers.js').RealServer} RealServer */

const TIMEOUT_MS = 1500;
const MANY = 200;

/**
 * @param {import('node:test').TestContext} t
 * @param {'redis' | 'valkey'} kind
 */
async function replicated(t, kind) {
  const primary = await startServer(t, { kind });
  const config = { replicaof: `127.0.0.1 ${primary.port}` };
  const replica = await startServer(t, { kind, config });
  const store = { url: primary.url(), acks: 1, commandTimeout: TIMEOUT_MS };
  const auth = open(t, { store, apiKeys: {}, sessions: { admission: 'first-use' } });
  const judge = open(t, { store: primary.url(), sessions: { admission: 'first-use' } });
  await until('the replica has confirmed what was before', async () => {
    const { replicas = [] } = await auth.health();
    return replicas.length === 1 && replicas[0].online && replicas[0].lagBytes === 0;
  });
  return { primary, replica, auth, judge };
}

/** Whatever replicas are to hold. @param {import('latchgate').Auth} auth @returns {Promise<Array<[string, () => Promise<unknown>]>>} */
async function acts(auth) {
  const { keyId } = await auth.apiKeys.create({ ownerId: unique() });
  const expiresAt = Date.now() + 60_000;
  return [
    ['revoke', () => auth.tokens.revoke(token({ sub: unique() }))],
    ['revokeId', () => auth.tokens.revokeId({ jti: unique(), userId: unique(), expiresAt })],
    ['revokeUser', () => auth.tokens.revokeUser(unique())],
    ['blockUser', () => auth.tokens.blockUser(unique())],
    ['admit', () => auth.sessions.admit(unique())],
    ['apiKeys.revoke', () => auth.apiKeys.revoke(keyId)],
  ];
}

/** @param {RealServer} replica */
const held = async (replica) => (await replica.keys()).filter((key) => !key.endsWith(':ack')).length;

for (const { kind, name } of KINDS) {
  describe(`with acks, on ${name}`, async () => {
    const skip = await missing(kind);

    it('what must not be lost is on the replica when it is told', { skip }, async (t) => {
      const { replica, auth } = await replicated(t, kind);
      for (let n = 0; n < 50; n++) {
        await auth.sessions.admit(unique());
        // A user's record is two keys.
        assert.equal(await held(replica), 2 * (n + 1));
      }
    });

    it('what too few replicas hold in time is unknown and stands, and asking again does not hide it', {
      skip,
    }, async (t) => {
      const { replica, auth, judge } = await replicated(t, kind);
      const live = token({ sub: unique(), sid: 's' });
      assert.equal(await status(auth, live), 200);
      replica.pause();
      for (const [act, ask] of await acts(auth))
        await assert.rejects(ask(), fault('STORE_TIMEOUT', /stands/), act);
      const revoking = auth.tokens.revoke(live);
      await assert.rejects(revoking, fault('STORE_TIMEOUT', /stands/));
      assert.equal(await judge.tokens.isRevoked(live), true);
      assert.equal(await status(auth, live), 401);
      await assert.rejects(auth.tokens.revoke(live), fault('STORE_TIMEOUT', /stands/), 'nothing is new');
      replica.resume();
      await until('the replica confirms', async () => {
        const { faults } = await settled([auth.tokens.revoke(live)]);
        return faults === 0;
      });
      for (const [act, ask] of await acts(auth)) assert.ok((await settled([ask()])).faults === 0, act);
    });

    it('requests, first use and all other calls wait for no replica', { skip }, async (t) => {
      const { primary, replica, auth } = await replicated(t, kind);
      replica.pause();
      await primary.resetStats();
      const user = unique();
      assert.equal(await status(auth, token({ sub: user, sid: 'new' })), 200);
      assert.equal((await auth.sessions.list(user)).length, 1);
      assert.equal(await auth.sessions.end(user, 'new'), true);
      assert.equal(await auth.once(unique('key')), true);
      assert.equal((await primary.commandstats()).wait ?? 0, 0);
      replica.resume();
    });

    it('a denial needs no replica to be true, yet what it denies by is on one', { skip }, async (t) => {
      const { auth } = await replicated(t, kind);
      const user = unique();
      assert.equal((await auth.sessions.admit(user, { limit: 1 })).admitted, true);
      assert.equal((await auth.sessions.admit(user, { limit: 1 })).admitted, false);
    });

    it('many at once share what they wait for, and each is told its own', { skip }, async (t) => {
      const { primary, replica, auth, judge } = await replicated(t, kind);
      await primary.resetStats();
      const users = Array.from({ length: MANY }, () => unique());
      const admitted = await Promise.all(users.map((user) => auth.sessions.admit(user, { sessionId: user })));
      assert.deepEqual(
        admitted.map((each) => each.admitted && each.session.sessionId),
        users,
      );
      assert.equal(await held(replica), 2 * MANY);
      const { wait } = await primary.commandstats();
      assert.ok(wait >= 1 && wait <= MANY / 10, `${wait} waits`);
      const listed = await Promise.all(users.map((user) => judge.sessions.list(user)));
      assert.ok(listed.every((sessions) => sessions.length === 1));
    });

    it('a primary that is lost while replicas are waited for leaves nobody waiting', { skip }, async (t) => {
      const { primary, replica, auth } = await replicated(t, kind);
      replica.pause();
      const asked = settled(Array.from({ length: 20 }, () => auth.sessions.admit(unique())));
      await until('they run', async () => (await primary.keys()).length > 0);
      await primary.stop();
      assert.equal((await asked).faults, 20);
      replica.resume();
    });

    it('without a replica nothing is acknowledged', { skip }, async (t) => {
      const server = await startServer(t, { kind });
      const store = { url: server.url(), acks: 1, commandTimeout: TIMEOUT_MS };
      const auth = open(t, { store, apiKeys: {} });
      const outcome = await settled((await acts(auth)).map(([, ask]) => ask()));
      assert.equal(outcome.faults, outcome.results.length);
      assert.deepEqual((await auth.health()).replicas, []);
    });
  });
}
