// Failovers by Sentinel under load: the primary is killed, hangs, is replaced, or is cut off from its Sentinels and
// comes back. Every acknowledged operation is accounted for.
'use strict';

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const { fault, open, unique } = require('../support/auths.js');
const { DEADLINES, status } = require('../support/faulty.js');
const { token } = require('../support/jwt.js');
const { sound, work } = require('../support/ledger.js');
const { startSentinels } = require('../support/sentinels.js');
const { KINDS, missing } = require('../support/servers.js');
const { until } = require('../support/started.js');

/** @typedef {import('node:test').TestContext} Test */
/** @typedef {import('../support/servers.js').RealServer} Server */

const OPTIONS = { sessions: { admission: /** @type {const} */ ('first-use') } };

/**
 * @param {Test} t
 * @param {Parameters<typeof startSentinels>[1]} options
 * @param {object} [store] additional members of the option
 */
async function guarded(t, options, store = {}) {
  const set = await startSentinels(t, options);
  const auth = open(t, { ...OPTIONS, store: { url: set.url(), ...DEADLINES, ...store } });
  const judge = open(t, { ...OPTIONS, store: set.url() });
  await Promise.all([auth.ready(), judge.ready()]);
  return { set, auth, judge, primary: await set.primary() };
}

/** @type {Array<{ what: string, fell: (set: Awaited<ReturnType<typeof startSentinels>>, primary: Server) => Promise<unknown>, back: (primary: Server) => Promise<unknown> | void }>} */
const FALLS = [
  {
    what: 'is killed and restarted',
    fell: (_set, primary) => primary.stop(),
    back: (primary) => primary.start(),
  },
  {
    what: 'hangs and resumes',
    fell: async (_set, primary) => primary.pause(),
    back: (primary) => primary.resume(),
  },
  {
    // The old primary accepts writes until it, or the client, learns of the failover. All these writes are lost,
    // regardless of their number.
    what: 'is replaced by SENTINEL FAILOVER',
    fell: (set, primary) => set.depose(primary),
    back: () => {},
  },
];

/** @typedef {ReturnType<typeof work>} Work */

/**
 * Waits until the replicas have all writes that were answered so far.
 * @param {Work} going
 * @param {Server} primary
 * @param {number} replicas
 */
async function marked(going, primary, replicas) {
  going.mark();
  await primary.command('SET', 'mark', 1);
  assert.equal(await primary.command('WAIT', replicas, 10_000), replicas);
}

/**
 * Waits until the new primary runs scripts, and the work continues without faults.
 * @param {Work} going
 * @param {Server} next
 */
async function moved(going, next) {
  await until('the new primary runs scripts', async () => {
    await going.smooth();
    return (await next.scriptsRun()) > 0;
  });
  await going.smooth();
}

for (const { kind, name } of KINDS) {
  describe(`while the primary of ${name} under load`, async () => {
    const skip = await missing(kind);
    for (const { what, fell, back } of FALLS) {
      it(`${what}, nothing is granted beyond a limit, nothing is done twice, and no write that the replicas had is lost`, {
        skip,
      }, async (t) => {
        const { set, auth, judge, primary } = await guarded(t, { kind });
        const going = work(t, auth);
        await going.smooth();
        await marked(going, primary, 2);
        await fell(set, primary);
        await moved(going, await set.failedOver(primary));
        await back(primary);
        await set.follows(primary);
        await primary.resetStats();
        await going.smooth();
        await set.leads(judge);
        const account = await going.account(judge);
        t.diagnostic(JSON.stringify(account));
        sound(account);
        assert.equal(account.lostEarly, 0);
        assert.equal(await primary.scriptsRun(), 0, 'the old primary runs no scripts');
      });
    }

    it('stays cut off from its Sentinels while another primary is elected, it gets no further writes after that', {
      skip,
    }, async (t) => {
      const { set, auth, judge, primary } = await guarded(t, { kind });
      const going = work(t, auth);
      await going.smooth();
      // Open connections keep working, but new connections need a password. So no Sentinel and no replica
      // reconnects, and our connections stay.
      await primary.configure('requirepass', 'unknown to the Sentinels');
      await primary.command('CLIENT', 'KILL', 'TYPE', 'replica');
      for (const line of String(await primary.command('CLIENT', 'LIST')).split('\n'))
        if (/ name=sentinel-/.test(line))
          await primary.command('CLIENT', 'KILL', 'ID', String(/^id=(\d+)/.exec(line)?.[1]));
      await set.failedOver(primary);
      assert.equal(
        (await primary.command('ROLE'))[0],
        'master',
        'the old primary does not know of the failover',
      );
      await until('the old primary gets no further commands', async () => {
        const before = await primary.scriptsRun();
        await going.smooth();
        return (await primary.scriptsRun()) === before;
      });
      await set.leads(judge);
      const account = await going.account(judge);
      t.diagnostic(JSON.stringify(account));
      // The writes between the failover and its discovery are lost. Their number depends on the duration. Nothing
      // else may be wrong.
      sound(account);
    });
  });

  describe(`with the replicas of ${name} cut off, a failover loses`, async () => {
    const skip = await missing(kind);
    const REVOKED = 50;

    it('all writes since the cut, and no earlier write', { skip }, async (t) => {
      const { set, auth, judge, primary } = await guarded(t, { kind });
      const texts = (/** @type {number} */ count) =>
        Array.from({ length: count }, () => token({ sub: unique(), sid: 's' }));
      const before = texts(REVOKED);
      const meanwhile = texts(REVOKED);
      await Promise.all(before.map((text) => auth.tokens.revoke(text)));
      const join = await set.cutOff();
      await Promise.all(meanwhile.map((text) => auth.tokens.revoke(text)));
      await primary.stop();
      join();
      await set.failedOver(primary);
      await set.leads(judge);
      const stand = async (/** @type {string[]} */ list) =>
        (await Promise.all(list.map((text) => judge.tokens.isRevoked(text)))).filter(Boolean).length;
      assert.deepEqual([await stand(before), await stand(meanwhile)], [REVOKED, 0]);
    });
  });
}

describe('Sentinels', async () => {
  const skip = await missing('redis');

  it('have their own password, and name a primary with another password', { skip }, async (t) => {
    const set = await startSentinels(t, { password: 'of the servers', sentinelPassword: 'their own' });
    const url = `${set.url()}&sentinel_password=their%20own`;
    const auth = open(t, { ...OPTIONS, store: { url, ...DEADLINES } });
    await auth.ready();
    assert.equal(await status(auth, token({ sub: unique(), sid: 's' })), 200);
    const stranger = open(t, { ...OPTIONS, store: { url: set.url(), ...DEADLINES } });
    await assert.rejects(stranger.ready(), fault('STORE_UNAVAILABLE'));
    assert.equal(await status(stranger, token({ sub: unique(), sid: 's' })), 503);
  });

  it('may all be gone or hang except one: the primary is found', { skip }, async (t) => {
    const set = await startSentinels(t);
    set.sentinels[0].pause();
    await set.sentinels[1].stop();
    const auth = open(t, { ...OPTIONS, store: { url: set.url(), ...DEADLINES } });
    await auth.ready();
    assert.equal(await status(auth, token({ sub: unique(), sid: 's' })), 200);
  });

  it('may all be gone while the primary stays: a connected process continues', { skip }, async (t) => {
    const { set, auth } = await guarded(t, {});
    const going = work(t, auth);
    for (const sentinel of set.sentinels) await sentinel.stop();
    await going.smooth(20);
    await going.stop();
    const late = open(t, { ...OPTIONS, store: { url: set.url(), ...DEADLINES } });
    assert.equal(await status(late, token({ sub: unique(), sid: 's' })), 503);
  });

  it('that do not know the master, or are not Sentinels, are a fault and never 401', { skip }, async (t) => {
    const set = await startSentinels(t, { replicas: 0 });
    const strange = [
      set.url().replace('master=main', 'master=other'),
      `redis-sentinel://127.0.0.1:${set.nodes[0].port}/0?master=main`,
    ];
    for (const url of strange) {
      const auth = open(t, { ...OPTIONS, store: { url, ...DEADLINES } });
      await assert.rejects(auth.ready(), fault('STORE_UNAVAILABLE'));
      assert.equal(await status(auth, token({ sub: unique(), sid: 's' })), 503);
    }
  });
});
