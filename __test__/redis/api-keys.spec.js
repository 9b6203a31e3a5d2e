// API keys on real servers: the cost of a check, the stored data, and the behaviour on kills and lost replies.
// many-processes.spec.js has the races across processes.
'use strict';

const assert = require('node:assert/strict');
const { createHash } = require('node:crypto');
const { describe, it } = require('node:test');
const { fault, open, unique } = require('../support/auths.js');
const { runScript } = require('../support/child.js');
const { faulty } = require('../support/faulty.js');
const { startProxy } = require('../support/proxy.js');
const { KINDS, missing, startServer } = require('../support/servers.js');
const { until } = require('../support/started.js');

const ROUNDS = 100;
const MONTH = 30 * 24 * 3_600_000;

/** @typedef {import('../support/servers.js').RealServer} Server */

/** Returns all data on the server as one text. @param {Server} server */
async function contents(server) {
  const parts = [];
  for (const key of await server.keys()) {
    const type = await server.command('TYPE', key);
    const value = type === 'hash' ? await server.command('HGETALL', key) : await server.command('DUMP', key);
    parts.push(key, JSON.stringify(value), String(value));
  }
  return parts.join('\n');
}

for (const { kind, name } of KINDS) {
  describe(`on ${name}`, async () => {
    const skip = await missing(kind);

    it('a check is one command, and two commands when a process sees a key for the first time', {
      skip,
    }, async (t) => {
      const server = await startServer(t, { kind });
      const maker = open(t, { store: server.url() });
      const ownerId = unique();
      const made = await maker.apiKeys.create({ ownerId, quota: { limit: 10_000 } });
      const imported = await maker.apiKeys.create({
        ownerId,
        key: unique('imported'),
        quota: { limit: 10_000 },
      });
      const bearer = await maker.tokens.issue(ownerId);
      /** @type {Array<[string, (auth: import('latchgate').Auth) => Promise<any>]>} */
      const asked = [
        ['check()', (auth) => auth.apiKeys.check(made.key)],
        ['check() of an imported key', (auth) => auth.apiKeys.check(imported.key)],
        [
          'check() under an idempotency key',
          (auth) => auth.apiKeys.check(made.key, { idempotencyKey: unique() }),
        ],
        ['a request', (auth) => auth.authenticate({ apiKey: made.key }, { credentials: ['api-key'] })],
        [
          'a request with an additional token, and a quota',
          (auth) =>
            auth.authenticate(
              { apiKey: made.key, token: bearer },
              { credentials: ['bearer', 'api-key'], quota: { limit: 10_000 } },
            ),
        ],
      ];
      for (const [what, ask] of asked) {
        const proxy = await startProxy(t, { port: server.port });
        const auth = open(t, { store: proxy.url });
        await auth.ready();
        // A script that the server does not know yet is sent as text once.
        await ask(maker);
        const count = async (/** @type {() => Promise<any>} */ run) => {
          proxy.commands = {};
          await run();
          return proxy.commands.evalsha;
        };
        assert.equal(await count(() => ask(auth)), 2, `${what}, first call`);
        const together = () => Promise.all(Array.from({ length: ROUNDS }, () => ask(auth)));
        assert.equal(await count(together), ROUNDS, what);
      }
      const proxy = await startProxy(t, { port: server.port });
      const auth = open(t, { store: proxy.url });
      await auth.ready();
      proxy.commands = {};
      for (const key of ['', '*', 'x'.repeat(10_000), `${made.key},${made.key}`])
        await auth.apiKeys.check(key);
      assert.equal(proxy.commands.evalsha, undefined, 'a text that cannot be a key causes no command');
      const keys = await server.keys();
      await auth.apiKeys.check(unique('unknown'));
      await auth.apiKeys.check(made.key.replace(made.keyId, `${made.keyId.slice(0, 4)}${'0'.repeat(16)}`));
      assert.equal(proxy.commands.evalsha, 2, 'each unknown key is one command');
      assert.deepEqual(await server.keys(), keys, 'an unknown key leaves no data');
    });

    it('the server stores only hashes of a key, and only ended keys expire', { skip }, async (t) => {
      const server = await startServer(t, { kind });
      const { apiKeys, tokens } = open(t, { store: server.url() });
      const ownerId = unique();
      const made = await apiKeys.create({ ownerId, name: 'n', quota: { limit: 9 }, metadata: { a: 1 } });
      const rotated = await apiKeys.rotate(made.keyId, { grace: '1h' });
      const imported = await apiKeys.create({ ownerId, key: unique('imported') });
      for (const { key } of [made, rotated, imported]) {
        assert.equal((await apiKeys.check(key, { idempotencyKey: 'i' })).valid, true);
      }
      const kept = await contents(server);
      for (const { key } of [made, rotated, imported]) {
        assert.ok(!kept.includes(key), 'the server does not store the text of a key');
        assert.ok(
          !kept.includes(key.slice(-43)) && !kept.includes(key.slice(8, 30)),
          'the server does not store a part of a key',
        );
      }
      assert.ok(
        kept.includes(createHash('sha256').update(imported.key).digest('hex')),
        'the name of the import index entry is a hash',
      );
      const until30days = async (/** @type {string} */ id) => {
        const [key] = await server.command('KEYS', `lg:{*}:a:${id}`);
        return server.command('PTTL', key);
      };
      assert.equal(await until30days(made.keyId), -1);
      const endless = async () => {
        const keys = await server.keys();
        const ends = await Promise.all(keys.map((key) => server.command('PTTL', key)));
        return keys.filter((_key, n) => ends[n] === -1).map((key) => key.split(':')[2]);
      };
      assert.deepEqual((await endless()).sort(), ['a', 'a', 'ak', 'imp']);
      await apiKeys.revoke(made.keyId);
      const left = await until30days(made.keyId);
      assert.ok(left > MONTH && left < MONTH + 2 * 3_600_000);
      await tokens.revokeUser(ownerId, { apiKeys: true });
      assert.ok(
        (await until30days(imported.keyId)) > MONTH,
        'a key that was revoked with its owner expires too',
      );
      const expiring = await apiKeys.create({ ownerId, expiresAt: Date.now() + 3_600_000 });
      assert.ok((await until30days(expiring.keyId)) > MONTH);
      await apiKeys.update(expiring.keyId, { expiresAt: null });
      assert.equal(await until30days(expiring.keyId), -1);
      assert.deepEqual(
        (await endless()).sort(),
        ['a', 'ak'],
        'the import index entry of a key expires with it',
      );
      await apiKeys.revoke(expiring.keyId);
      assert.deepEqual(
        await endless(),
        [],
        'an owner whose keys have all ended leaves no key without expiry',
      );
    });

    it('the import index entry expires with its key, regardless of the cause', { skip }, async (t) => {
      const server = await startServer(t, { kind });
      const auth = open(t, { store: server.url(), apiKeys: {} });
      const { apiKeys, tokens } = auth;
      const [ownerId, text] = [unique(), unique('imported')];
      const left = async () => server.command('PTTL', (await server.command('KEYS', 'lg:*:imp:*'))[0]);
      const { keyId } = await apiKeys.create({ ownerId, key: text });
      assert.equal(await left(), -1);
      await apiKeys.update(keyId, { name: 'n', quota: { limit: 9 } });
      assert.equal(await left(), -1);
      await apiKeys.update(keyId, { expiresAt: Date.now() + 3_600_000 });
      assert.ok((await left()) > MONTH);
      await apiKeys.update(keyId, { expiresAt: null });
      assert.equal(await left(), -1);
      const changes = [1, null, 2, null, 3, 4, null].map((hours) =>
        apiKeys.update(keyId, { expiresAt: hours && Date.now() + hours * 3_600_000 }),
      );
      await Promise.all(changes);
      const expiresAt = (await apiKeys.get(keyId))?.expiresAt ?? null;
      assert.equal((await left()) === -1, expiresAt === null, 'the last update sets both expiries');
      await apiKeys.revoke(keyId);
      assert.ok((await left()) > MONTH);
      assert.equal((await apiKeys.check(text)).valid, false);
      const quota = { limit: 5, by: /** @type {const} */ ('api-key'), name: 'of-the-key' };
      const other = await apiKeys.create({
        ownerId,
        key: unique('imported'),
        expiresAt: Date.now() + 3_600_000,
      });
      assert.equal(
        (await auth.authenticate({ apiKey: other.key }, { credentials: ['api-key'], quota })).ok,
        true,
      );
      await tokens.revokeUser(ownerId, { apiKeys: true });
      for (const key of await server.keys()) {
        assert.ok((await server.command('PTTL', key)) > 0, `${key} has no expiry`);
      }
    });

    it('a key is not charged if the quota of the request cannot be read', { skip }, async (t) => {
      const server = await startServer(t, { kind });
      const auth = open(t, { store: server.url() });
      const { key, keyId } = await auth.apiKeys.create({ ownerId: unique(), quota: { limit: 5 } });
      const policy = { quota: { limit: 9, window: '1h', name: unique(), by: () => 'shared' } };
      const ask = () => auth.authenticate({ apiKey: key }, { credentials: ['api-key'], ...policy });
      assert.equal((await ask()).ok, true);
      const [shared] = await server.command('KEYS', 'lg:{*}:qw:*');
      await server.command('SET', shared, 'hello');
      assert.equal(/** @type {any} */ (await ask()).status, 503);
      assert.equal((await auth.apiKeys.get(keyId))?.quota?.remaining, 4);
    });

    it('a process that is killed during its checks leaves whole charges, and another process makes the missing charges', {
      skip,
    }, async (t) => {
      const server = await startServer(t, { kind });
      const { apiKeys } = open(t, { store: server.url() });
      const { key, keyId } = await apiKeys.create({ ownerId: unique(), quota: { limit: 10_000 } });
      const script = `
        const auth = latchgate.createAuth({ store: ${JSON.stringify(server.url())}, apiKeys: {} });
        let [done, replayed] = [0, 0];
        const check = async (n) => {
          const { quota } = await auth.apiKeys.check(process.argv[1] ?? ${JSON.stringify(key)}, { cost: 3, idempotencyKey: 'i' + n });
          if (quota.replayed) replayed++;
          if (++done % 100 === 0) console.log('done ' + done);
        };
        for (let n = 0; n < 1000; n += 10) await Promise.all(Array.from({ length: 10 }, (_each, i) => check(n + i)));
        console.log('replayed ' + replayed);
        await auth.close();`;
      const used = async () => 10_000 - /** @type {any} */ (await apiKeys.get(keyId)).quota.remaining;
      const killed = await runScript(script, {
        onLine: (line, child) => void (line === 'done 300' && child.kill('SIGKILL')),
      });
      assert.equal(killed.signal, 'SIGKILL');
      const before = await used();
      assert.ok(before % 3 === 0 && before >= 900 && before < 3000, `${before} used`);
      const { status, stdout, stderr } = await runScript(script);
      assert.equal(status, 0, stderr);
      assert.equal(await used(), 3000);
      assert.equal(Number(/replayed (\d+)/.exec(stdout)?.[1]), before / 3);
    });

    it('an operation that ran although its reply was lost is replayed, or its result is visible', {
      skip,
    }, async (t) => {
      const { proxy, auth, judge, live } = await faulty(t, { server: { kind }, options: { apiKeys: {} } });
      const ownerId = unique();
      const { key, keyId } = await auth.apiKeys.create({ ownerId, quota: { limit: 10 } });
      await auth.apiKeys.check(key, { cost: 0 });
      const lost = async (/** @type {() => Promise<unknown>} */ call) => {
        proxy.loseReplies(1);
        await assert.rejects(call(), fault('STORE_TIMEOUT'));
        await until('it recovers', async () => (await auth.authenticate({ token: live })).ok);
      };
      const left = async () => (await judge.apiKeys.get(keyId))?.quota?.remaining;
      await lost(() => auth.apiKeys.check(key, { idempotencyKey: 'c' }));
      assert.equal((await auth.apiKeys.check(key, { idempotencyKey: 'c' })).quota?.replayed, true);
      assert.equal(await left(), 9);
      await lost(() => auth.apiKeys.addQuota(keyId, 5, { idempotencyKey: 'a' }));
      assert.equal((await auth.apiKeys.addQuota(keyId, 5, { idempotencyKey: 'a' })).replayed, true);
      assert.equal(await left(), 14);
      const text = unique('imported');
      await lost(() => auth.apiKeys.create({ ownerId, key: text }));
      // Only the import index entry was written. It expires, and until then another import of this text is refused.
      await assert.rejects(
        judge.apiKeys.create({ ownerId: unique(), key: text }),
        fault('INPUT', /being imported/),
      );
      await lost(() => auth.apiKeys.revoke(keyId));
      assert.deepEqual(await judge.apiKeys.check(key), { valid: false, code: 'revoked' });
      proxy.loseReplies(1);
      const denied = await auth.authenticate({ apiKey: key });
      assert.ok(!denied.ok && denied.status === 503, 'API keys are never allowed without the store');
    });

    it('API keys never pass while the store is unreachable, regardless of onStoreError', {
      skip,
    }, async (t) => {
      const server = await startServer(t, { kind });
      const auth = open(t, { store: server.url(), apiKeys: {}, onStoreError: 'allow' });
      const { key } = await auth.apiKeys.create({ ownerId: 'u' });
      const bearer = await auth.tokens.issue('u');
      assert.equal((await auth.authenticate({ apiKey: key })).ok, true);
      await server.stop();
      for (const credentials of [
        { apiKey: key },
        { apiKey: key, token: bearer },
        { apiKey: unique('unknown') },
      ]) {
        const answer = await auth.authenticate(credentials);
        assert.ok(!answer.ok && answer.code === 'store_unavailable');
        assert.equal(answer.headers['Retry-After'], '1');
      }
      await assert.rejects(auth.apiKeys.check(key), { status: 503 });
      assert.equal((await auth.authenticate({ token: bearer })).ok, true, 'a token passes');
    });
  });
}
