// Foreign values of every type under our keys: a fault of the store. They never crash the process, never produce a
// made-up answer, and are never overwritten. Each request that is denied because of them is an event and a count.
'use strict';

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const { open, unique } = require('../support/auths.js');
const { faulty, recovered, storeFault } = require('../support/faulty.js');
const { token } = require('../support/jwt.js');
const { changes } = require('../support/prometheus.js');
const { KINDS, missing, startServer } = require('../support/servers.js');

/** @typedef {import('../support/servers.js').RealServer} Server */

const RULE = { limit: 100, window: '1h' };
const BALANCE = { limit: 100 };
const FIRST_USE = /** @type {const} */ ({ admission: 'first-use' });
const BUCKET = { ...RULE, algorithm: /** @type {const} */ ('bucket') };
const DENIED = 'latchgate_decisions_total{outcome="denied",reason="store_unavailable"}';
const POLICY = { quota: { ...RULE, name: 'values', by: () => 'shared' } };

/** @type {Array<{ name: string, type: string, put: (server: Server, key: string) => Promise<any> }>} */
const VALUES = [
  { name: 'an empty string', type: 'string', put: (server, key) => server.command('SET', key, '') },
  { name: 'a text', type: 'string', put: (server, key) => server.command('SET', key, 'hello') },
  {
    name: 'the largest integer',
    type: 'string',
    put: (server, key) => server.command('SET', key, '9223372036854775807'),
  },
  { name: 'a number below zero', type: 'string', put: (server, key) => server.command('SET', key, '-1') },
  {
    name: 'bytes that are no text',
    type: 'string',
    put: (server, key) => server.command('SET', key, Buffer.from([0xff, 0, 0xfe, 0x80, 1, 2, 3, 255])),
  },
  {
    name: 'a megabyte',
    type: 'string',
    put: (server, key) => server.command('SET', key, 'x'.repeat(2 ** 20)),
  },
  { name: 'JSON', type: 'string', put: (server, key) => server.command('SET', key, '{"sessions":[]}') },
  { name: 'a list', type: 'list', put: (server, key) => server.command('RPUSH', key, 'a', 'b') },
  { name: 'a set', type: 'set', put: (server, key) => server.command('SADD', key, 'a', 'b') },
  {
    name: 'a sorted set',
    type: 'zset',
    put: (server, key) => server.command('ZADD', key, 1, 'a', 'inf', 'b'),
  },
  {
    name: 'a hash',
    type: 'hash',
    put: (server, key) => server.command('HSET', key, 'a', 'b', 's', 'x', '', ''),
  },
  { name: 'a stream', type: 'stream', put: (server, key) => server.command('XADD', key, '*', 'a', 'b') },
];

/** A foreign hash in place of an API key means an unknown key. */
const isUnknownKey = (/** @type {any} */ { reason, value }) =>
  reason?.code === 'ERR_LATCHGATE_INPUT' || value?.code === 'invalid_api_key';

/** Each kind of key (docs/layout.md), with the keys of user balances and of refunds. */
const KEYS = ['a', 'ak', 'b', 'c', 'd', 'ic', 'ik', 'imp', 'iq', 'mac', 'o', 'qb', 'qg', 'qw', 'rf', 'u'];

/** A process reads these keys once and remembers their data: the receipt key, and the import index entry of a key. */
const LEARNT = /^lg:(mac$|\{\d+\}:imp:)/;

/** @typedef {{ user: string, live: string, receipt: string, made: { key: string, keyId: string }, imported: { key: string } }} Known */

/**
 * Creates the data of a user that the calls use.
 * @param {import('latchgate').Auth} auth
 * @param {string} user
 * @param {string} live
 * @returns {Promise<Known>}
 */
async function known(auth, user, live) {
  const { receipt = '' } = await auth.quotas.consume(`${user}-back`, RULE);
  const made = await auth.apiKeys.create({ ownerId: user, quota: BALANCE });
  const imported = await auth.apiKeys.create({ ownerId: user, key: unique('imported') });
  return { user, live, receipt, made, imported };
}

/** Uses every operation that leaves keys. @param {import('latchgate').Auth} auth @param {Known} known */
function uses(auth, { user, live: text, receipt, made, imported }) {
  return [
    () => auth.apiKeys.check(made.key, { idempotencyKey: 'i' }),
    () => auth.apiKeys.check(imported.key),
    () => auth.apiKeys.addQuota(made.keyId, 1),
    () => auth.apiKeys.get(made.keyId),
    () => auth.apiKeys.list(user),
    () => auth.authenticate({ apiKey: made.key }, { credentials: ['api-key'], ...POLICY }),
    () => auth.sessions.admit(user, { sessionId: 'live' }),
    () => auth.sessions.touch(user, 'live'),
    () => auth.sessions.list(user),
    () => auth.tokens.revokeId({ jti: 'an id', userId: user, expiresAt: Date.now() + 60_000 }),
    () => auth.tokens.isRevoked(text),
    () => auth.quotas.consume(`${user}-window`, RULE),
    () => auth.quotas.peek(`${user}-window`, RULE),
    () => auth.quotas.consume(`${user}-balance`, BALANCE),
    () => auth.quotas.consume(`${user}-bucket`, BUCKET),
    () => auth.authenticate({ token: text }, { quota: { ...BUCKET, name: 'apart', by: () => 'shared' } }),
    () => auth.quotas.consume(`${user}-once`, RULE, { idempotencyKey: 'i' }),
    () => auth.quotas.refund(receipt),
    () => auth.counters.add(user, 'c', 1, { idempotencyKey: 'k' }),
    () => auth.counters.get(user, 'c'),
    () => auth.once(user, { by: 'a' }),
    () => auth.onceRelease(user, 'b'),
    () => auth.authenticate({ token: text }, POLICY),
    () => auth.authenticate({ token: text }, { quota: { ...BALANCE, name: 'lasting' } }),
    () => auth.sessions.end(user, 'other'),
  ];
}

for (const { kind, name: server } of KINDS) {
  describe(`foreign values under our keys on ${server}:`, async () => {
    const skip = await missing(kind);

    for (const { name, type, put } of VALUES) {
      it(`${name}: a call that needs the key is a store fault, and the value stays`, { skip }, async (t) => {
        const { server, auth, user, live } = await faulty(t, { server: { kind } });
        const things = await known(auth, user, live);
        for (const use of uses(auth, things)) await use();
        const keys = await server.keys();
        const kinds = new Set(keys.map((key) => key.split(':')[2] ?? 'mac'));
        assert.deepEqual([...kinds].sort(), KEYS);
        let alarms = 0;
        for (const key of keys) {
          let hit = 0;
          const ours = await server.command('TYPE', key);
          const kept = `kept:${key}`;
          await server.command('RENAME', key, kept);
          await put(server, key);
          const digest = () => server.command('DEBUG', 'DIGEST-VALUE', key);
          const foreign = await digest();
          const asker = LEARNT.test(key) ? open(t, { store: server.url(), sessions: FIRST_USE }) : auth;
          /** @type {string[]} */
          const told = [];
          const listen = (/** @type {any} */ { code }) => void told.push(code);
          asker.on('denied', listen);
          const counted = asker.metrics();
          const outcomes = await Promise.allSettled(uses(asker, things).map((use) => use()));
          asker.off('denied', listen);
          let denied = 0;
          for (const outcome of outcomes) {
            if (/:a:/.test(key) && type === 'hash' && isUnknownKey(outcome)) continue;
            if (outcome.status === 'rejected') {
              hit++;
              storeFault(outcome.reason);
            } else if (
              typeof outcome.value === 'object' &&
              outcome.value !== null &&
              'ok' in outcome.value &&
              !outcome.value.ok
            ) {
              hit++;
              denied++;
              assert.equal(outcome.value.status, 503, `${key}: ${JSON.stringify(outcome.value)}`);
            }
          }
          const refused = told.filter((code) => code === 'store_unavailable').length;
          const sum = changes(counted, asker.metrics())[DENIED] ?? 0;
          assert.deepEqual([refused, sum], [denied, denied], `${key}: ${denied} requests were denied`);
          alarms += denied;
          // A foreign collection of the same type may be read as empty. Every other foreign value is a fault, and
          // stays for the operator to inspect.
          assert.equal(await server.command('TYPE', key), type, `${key} was overwritten`);
          if (ours !== type || type === 'string') {
            assert.ok(hit > 0, `${key}: ${ours} replaced by ${name}`);
            assert.deepEqual(await digest(), foreign, `${key} was changed`);
          }
          await server.command('RENAME', kept, key);
          await recovered(auth, live);
        }
        assert.ok(alarms > 0, 'some requests were denied');
        const { warnings } = await auth.health();
        assert.equal(
          warnings.filter((text) => /has not written/.test(text)).length,
          1,
          'the operator gets one warning',
        );
      });
    }

    it('a strict Auth is ready despite one foreign value', { skip }, async (t) => {
      const server = await startServer(t, { kind, appendonly: true });
      const auth = open(t, { store: { url: server.url(), strict: true } });
      await auth.ready();
      await auth.quotas.consume('k', BALANCE);
      const [key] = (await server.keys()).filter((name) => /:qb:/.test(name));
      await server.command('SET', key, 'junk');
      await assert.rejects(auth.quotas.consume('k', BALANCE), storeFault);
      const { ok, warnings } = await auth.health();
      assert.deepEqual([ok, warnings.filter((text) => /has not written/.test(text)).length], [true, 1]);
      await auth.ready();
    });

    it('a missing right is not reported as foreign data', { skip }, async (t) => {
      const server = await startServer(t, { kind });
      await server.command('ACL', 'SETUSER', 'limited', 'on', '>pw', '~*', '&*', '+@all', '-hset', '-set');
      const auth = open(t, { store: `redis://limited:pw@127.0.0.1:${server.port}` });
      await assert.rejects(auth.sessions.admit('u'), storeFault);
      assert.deepEqual(
        (await auth.health()).warnings.filter((text) => /has not written/.test(text)),
        [],
      );
    });

    it('keys that our ids cannot produce have no effect', { skip }, async (t) => {
      const { server, auth, user, live } = await faulty(t, { server: { kind } });
      const [key] = await server.keys();
      for (const name of [`${key}:x`, key.replace(/\{.*?\}/, '{x}'), 'lg', 'lg:', `${key}\u0000`])
        await server.command('SET', name, 'x');
      const things = await known(auth, user, live);
      for (const use of uses(auth, things)) await use();
      const answer = await auth.authenticate({ token: token({ sub: unique(), sid: 's' }) });
      assert.equal(answer.ok, true);
      assert.deepEqual(
        (await auth.health()).warnings.filter((text) => /has not written/.test(text)),
        [],
      );
    });
  });
}
