// The cost of a request on the server: one command on the wire, and one script in the statistics of the server. No
// key is without an expiry, except the keys that the design names.
'use strict';

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const { serve } = require('../support/app.js');
const { open, unique } = require('../support/auths.js');
const { get } = require('../support/http.js');
const { token } = require('../support/jwt.js');
const { startProxy } = require('../support/proxy.js');
const { QUOTA, REQUESTS, ROUNDS } = require('../support/requests.js');
const { KINDS, missing, startServer } = require('../support/servers.js');

const DAY = 24 * 3_600_000;
/** The receipt key: one key for all Auths, without an expiry. */
const MAC = 'lg:mac';

for (const { kind, name } of KINDS) {
  describe(`on ${name}, one request is one command:`, async () => {
    const skip = await missing(kind);

    for (const { what, options, policy, status, commands = 1, texts } of REQUESTS) {
      it(what, { skip }, async (t) => {
        const server = await startServer(t, { kind });
        const proxy = await startProxy(t, { port: server.port });
        const auth = open(t, { store: proxy.url, ...options });
        const port = await serve(t, (app) => {
          app.get('/', auth.middleware(policy), (_req, res) => void res.sendStatus(200));
        });
        const next = await texts(auth, unique());
        await auth.ready();
        for (let n = 0; n < 5; n++) assert.equal((await get(port, '/', next())).status, status);
        await server.resetStats();
        proxy.commands = {};
        const half = ROUNDS / 2;
        for (let n = 0; n < half; n++) assert.equal((await get(port, '/', next())).status, status);
        const together = await Promise.all(Array.from({ length: half }, () => get(port, '/', next())));
        for (const answer of together) assert.equal(answer.status, status);
        const { ping = 0, ...sent } = proxy.commands;
        assert.deepEqual(sent, { evalsha: ROUNDS * commands });
        // The connection sends a ping now and then, but a request does not.
        assert.ok(ping <= ROUNDS / 10, `${ping} pings`);
        const { evalsha, eval: whole, script } = /** @type {any} */ (await server.commandstats());
        assert.deepEqual(
          { evalsha, whole, script },
          { evalsha: ROUNDS * commands, whole: undefined, script: undefined },
        );
        const stats = await server.info('commandstats');
        assert.match(stats.cmdstat_evalsha, /rejected_calls=0,failed_calls=0/);
      });
    }
  });

  // counters.spec.js tests the keys of counters and of once().
  describe(`on ${name}, keys without an expiry`, async () => {
    const skip = await missing(kind);

    it('exist only for blocks, balances and the prefix itself, and are deleted with them', {
      skip,
    }, async (t) => {
      const server = await startServer(t, { kind });
      const auth = open(t, {
        store: server.url(),
        sessions: { limit: 3, onLimit: 'evict-oldest', admission: 'first-use' },
      });
      const users = Array.from({ length: 20 }, (_each, n) => unique(`user-${n}`));
      await busy(auth, users);
      assert.deepEqual(await endless(server), [], 'after all operations except blocks and balances');
      const all = (await server.keys()).filter((key) => key !== MAC);
      for (const key of all) assert.ok((await server.command('PTTL', key)) < 3 * DAY, key);
      assert.ok((await server.keys()).includes(MAC), 'there were receipts');

      await auth.tokens.blockUser(users[0], { until: Date.now() + DAY });
      assert.deepEqual(await endless(server), [], 'a block that ends');

      const stranger = unique('stranger');
      await auth.tokens.blockUser(users[1]);
      await auth.tokens.blockUser(stranger);
      const blocks = await endless(server);
      t.diagnostic(`blocks: ${blocks.join(' ')}`);
      assert.deepEqual(new Set(blocks.map(owner)), new Set([users[1], stranger]), 'records of blocked users');

      await auth.quotas.consume('prepaid', { limit: 10 });
      const balances = (await endless(server)).filter((key) => !blocks.includes(key));
      t.diagnostic(`balances: ${balances.join(' ')}`);
      assert.equal(balances.length, 1);
      await auth.authenticate(
        { token: await auth.tokens.issue(users[2], { sessionId: 'own' }) },
        { quota: { limit: 10, name: 'own balance' } },
      );
      const own = (await endless(server)).filter((key) => !blocks.includes(key) && !balances.includes(key));
      t.diagnostic(`balances of users: ${own.join(' ')}`);
      assert.deepEqual(own.map(owner), [users[2]]);

      await busy(auth, users);
      assert.deepEqual(await endless(server), [...blocks, ...balances, ...own].sort());
      await auth.tokens.unblockUser(users[1]);
      await auth.quotas.reset('prepaid');
      const left = new Set((await endless(server)).map(owner));
      assert.deepEqual(
        left,
        new Set([stranger, users[2]]),
        'a key expires again after the unblock or the reset',
      );
    });

    it('are not left by calls about data that does not exist', { skip }, async (t) => {
      const server = await startServer(t, { kind });
      const auth = open(t, { store: server.url(), sessions: { admission: 'explicit' } });
      const user = unique();
      await auth.ready();
      const before = await server.keys();
      await auth.sessions.list(user);
      await auth.sessions.touch(user, 's');
      await auth.sessions.end(user, 's');
      await auth.sessions.endAll(user);
      await auth.tokens.isRevoked(token({ sub: user }));
      await auth.tokens.unblockUser(user);
      await auth.authenticate({ token: token({ sub: user, sid: 's' }) }, { quota: QUOTA });
      await auth.sessions.admit(user, { limit: 0 });
      await auth.quotas.peek('nothing', { limit: 3 });
      await auth.quotas.consume('nothing', { limit: 3 }, { cost: 4 });
      await auth.quotas.consume('nothing', { limit: 3 }, { cost: 0, idempotencyKey: 'i' });
      await auth.quotas.reset('nothing');
      await auth.counters.get(user, 'nothing');
      await auth.counters.add(user, 'nothing', 1, { max: 0 });
      await auth.onceRelease('nothing', 'nobody');
      assert.deepEqual(
        (await server.keys()).filter((key) => key !== MAC),
        before,
      );
    });
  });
}

/**
 * Runs a mix of concurrent operations without blocks and balances.
 * @param {import('latchgate').Auth} auth
 * @param {string[]} users
 */
async function busy(auth, users) {
  await Promise.all(
    users.flatMap((user) => [
      ...['a', 'b', 'c', 'd'].map((sid) =>
        auth.authenticate({ token: token({ sub: user, sid }) }, { quota: QUOTA }),
      ),
      ...['e', 'f'].map((sessionId) => auth.sessions.admit(user, { sessionId, device: { name: 'x' } })),
      auth.sessions.end(user, 'e'),
      auth.sessions.touch(user, 'f'),
      auth.tokens.revoke(token({ sub: user })),
      auth.tokens.issue(user, { sessionId: 'a' }),
      auth.quotas.consume(`window of ${user}`, { limit: 3, window: '1h' }, { cost: 2, idempotencyKey: 'i' }),
      auth.quotas.consume(`bucket of ${user}`, { limit: 3, window: '1h', algorithm: 'bucket' }),
      auth.quotas
        .consume(`window of ${user}`, { limit: 3, window: '1h' })
        .then(({ receipt }) => (receipt === undefined ? false : auth.quotas.refund(receipt))),
      auth.authenticate(
        { token: token({ sub: user, sid: 'a' }) },
        { quota: { limit: 9, window: '1h', name: 'refill', algorithm: 'bucket', idempotencyKey: () => 'i' } },
      ),
      auth.authenticate(
        { token: token({ sub: user, sid: 'a' }) },
        { quota: { limit: 3, window: '2h', name: 'by', by: () => `by ${user}` } },
      ),
      auth.tokens.revokeUser(user),
    ]),
  );
}

/** Returns the owner of a key: the last part of its name. @param {string} key */
const owner = (key) => String(key.split(':').at(-1));

/**
 * @param {import('../support/servers.js').RealServer} server
 * @returns {Promise<string[]>} the keys without an expiry, except the keys of the prefix itself, sorted
 */
async function endless(server) {
  const keys = await server.keys();
  const ends = await Promise.all(keys.map((key) => server.command('PTTL', key)));
  return keys.filter((key, index) => ends[index] === -1 && key !== MAC);
}
