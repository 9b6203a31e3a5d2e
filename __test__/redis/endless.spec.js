// Keys without an expiry: after every operation of an Auth has run, only the keys that the design names have none.
'use strict';

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const { open, unique } = require('../support/auths.js');
const { token } = require('../support/jwt.js');
const { KINDS, missing, startServer } = require('../support/servers.js');

/** @typedef {import('latchgate').Auth} Auth */

const WINDOW = { limit: 9, window: '1h' };
const BUCKET = { ...WINDOW, algorithm: /** @type {const} */ ('bucket') };
const DAY = 24 * 3_600_000;

/** Owners by kind of key (docs/layout.md). @typedef {Record<string, string[]>} Found */

/** @param {import('../support/servers.js').RealServer} server @returns {Promise<{ all: Found, endless: Found }>} */
async function look(server) {
  /** @type {{ all: Found, endless: Found }} */
  const found = { all: {}, endless: {} };
  for (const key of await server.allKeys()) {
    const [, kind, owner = ''] = /^lg:(?:\{\d+\}:)?(\w+)(?::(.*))?$/.exec(key) ?? assert.fail(key);
    const end = await server.command('PTTL', key);
    found.all[kind] = [...(found.all[kind] ?? []), owner];
    if (end === -1) found.endless[kind] = [...(found.endless[kind] ?? []), owner];
    else assert.ok(end > 0, `${key}: ${end}`);
  }
  return found;
}

/**
 * Creates data that expires by itself: sessions, logins, revocations, windows, buckets and turns.
 * @param {Auth} auth
 * @param {string} user
 */
async function passing(auth, user) {
  const own = token({ sub: user, sid: 'first' });
  const early = token({ sub: user, sid: 'early', iat: Math.floor(Date.now() / 1000) + 30 });
  assert.ok((await auth.authenticate({ token: early })).ok, 'the token of a clock that is ahead is valid');
  const answer = await auth.authenticate({ token: own }, { quota: { ...WINDOW, name: 'of the user' } });
  assert.ok(answer.ok);
  await auth.authenticate({ token: own }, { quota: { ...BUCKET, name: 'apart', by: () => `by ${user}` } });
  await answer.auth.runExclusive(() => auth.counters.get(user, 'nothing'));
  await auth.locks.runExclusive(user, () => {});
  const waiting = await auth.locks.acquire(`${user} waited for`);
  const next = auth.locks.acquire(`${user} waited for`, { wait: '10s' });
  await waiting.release();
  await (await next).release();
  await auth.sessions.admit(user, { sessionId: 's', device: { name: 'd' } });
  await auth.sessions.touch(user, 's');
  await auth.sessions.end(user, 's');
  const login = await auth.tokens.login(user, { requestId: 'r' });
  assert.ok(login.ok);
  assert.ok((await auth.tokens.refresh(login.refreshToken)).ok);
  await auth.tokens.logout(login.accessToken);
  await auth.tokens.revoke(token({ sub: user }));
  await auth.tokens.blockUser(user, { until: Date.now() + DAY });
  await auth.tokens.unblockUser(user);
  for (const rule of [WINDOW, BUCKET]) {
    const key = `${user} ${'algorithm' in rule}`;
    const { receipt = '' } = await auth.quotas.consume(key, rule, { cost: 2, idempotencyKey: 'i' });
    await auth.quotas.consume(key, rule);
    assert.equal(await auth.quotas.refund(receipt), true);
  }
  await auth.once(`${user} for a while`, { by: 'a', ttl: '1h' });
  await auth.tokens.revokeUser(user, { barrier: true });
}

for (const { kind, name } of KINDS) {
  describe(`on ${name}`, async () => {
    const skip = await missing(kind);

    it('only balances, counters, API keys and their indexes, blocks, once() without ttl, the receipt key and the layout have no expiry', {
      skip,
    }, async (t) => {
      const server = await startServer(t, { kind });
      const auth = open(t, {
        store: server.url(),
        sessions: { limit: 9, admission: 'first-use' },
        apiKeys: {},
      });
      const [user, prepaid, counted, owner, fallen, blocked] = [
        'user',
        'prepaid',
        'counted',
        'owner',
        'fallen',
        'blocked',
      ].map((label) => unique(label));
      await passing(auth, user);
      assert.deepEqual(
        (await look(server)).endless,
        { mac: [''], v: [''] },
        'data that expires leaves only the receipt key and the layout',
      );

      const policy = { quota: { limit: 9, name: 'a balance' } };
      assert.ok((await auth.authenticate({ token: token({ sub: prepaid }) }, policy)).ok);
      await auth.quotas.consume('prepaid', { limit: 9 });
      await auth.quotas.add('topped up', { limit: 9 }, 1, { idempotencyKey: 'i' });
      await auth.counters.add(counted, 'c', 1, { idempotencyKey: 'i' });
      await auth.counters.apply(counted, [{ name: 'd', delta: 1 }]);
      const made = await auth.apiKeys.create({ ownerId: owner, quota: { limit: 9 } });
      await auth.apiKeys.create({ ownerId: owner, key: unique('imported') });
      await auth.apiKeys.check(made.key, { idempotencyKey: 'i' });
      await auth.apiKeys.addQuota(made.keyId, 1, { idempotencyKey: 'a' });
      const { key } = await auth.apiKeys.rotate(made.keyId, { grace: '1h' });
      assert.ok((await auth.authenticate({ apiKey: key }, { credentials: ['api-key'] })).ok);
      await auth.apiKeys.create({ ownerId: fallen });
      await auth.tokens.revokeUser(fallen, { apiKeys: true });
      await auth.apiKeys.create({ ownerId: fallen });
      await auth.tokens.blockUser(blocked);
      await auth.once('for ever', { by: 'a' });

      const { all, endless } = await look(server);
      /** @param {string} kind @param {string[]} owners */
      const are = (kind, owners) => assert.deepEqual(endless[kind]?.toSorted(), owners.toSorted(), kind);
      assert.equal(endless.a.length, 3, 'one owner has two keys, and the revoked owner has one later key');
      are('ak', [owner, fallen]);
      are('b', [prepaid]);
      are('c', [counted]);
      assert.equal(endless.imp.length, 1);
      are('mac', ['']);
      assert.equal(endless.o.length, 1);
      assert.equal(endless.qb.length, 2);
      are('u', [blocked]);
      are('v', ['']);
      assert.deepEqual(Object.keys(endless).sort(), ['a', 'ak', 'b', 'c', 'imp', 'mac', 'o', 'qb', 'u', 'v']);
      // The keys of a queue exist while a caller waits. The key of acks exists for a millisecond.
      const kinds = 'a ak b c d f fg ic ik imp iq l lead lr mac o qb qg qw rf t u v';
      assert.equal(Object.keys(all).sort().join(' '), kinds, 'every kind of key was used');
    });
  });
}
