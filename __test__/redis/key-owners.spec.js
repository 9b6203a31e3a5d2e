// Imported keys that are imported again for another owner of the same bucket. The id stays, so that a process which
// used the key remembers the former owner. The key still acts as its new owner.
'use strict';

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const { fault, open, unique } = require('../support/auths.js');
const { runScript } = require('../support/child.js');
const { bucketMate } = require('../support/forged.js');
const { startProxy } = require('../support/proxy.js');
const { KINDS, missing, startServer } = require('../support/servers.js');

const HOUR = 3600;

/** @typedef {import('../support/servers.js').RealServer} Server */
/** @typedef {import('latchgate').Auth} Auth */

/**
 * Events after which a store forgets a revoked key. @type {Array<[string, (server: Server, keyId: string) =>
 * Promise<void>]>}
 */
const WAYS = [
  [
    'its 30 days are over',
    async (server) => {
      server.setClock(30 * 24 * HOUR + 2 * HOUR);
    },
  ],
  [
    'an operator deletes its record',
    async (server, keyId) => {
      const keys = (await server.keys()).filter((key) => key.endsWith(`:a:${keyId}`));
      assert.equal(keys.length, 1);
      await server.command('DEL', ...keys);
    },
  ],
];

for (const { kind, name } of KINDS) {
  describe(`on ${name}`, async () => {
    const skip =
      (await missing(kind)) || (process.platform !== 'linux' && 'its clock is steered on Linux only');

    /**
     * Creates a key of `former`, and uses it by `auth`. After the store has forgotten the key, another process
     * imports it for `owner`.
     * @param {import('node:test').TestContext} t
     * @param {(typeof WAYS)[0][1]} forget
     */
    async function importedAgain(t, forget) {
      const server = await startServer(t, { kind, steered: true });
      const proxy = await startProxy(t, { port: server.port });
      const auth = open(t, { store: proxy.url, apiKeys: {} });
      await auth.ready();
      const [former, key] = [unique('former'), unique('imported')];
      const owner = bucketMate(former);
      const { keyId } = await auth.apiKeys.create({ ownerId: former, key, quota: { limit: 100 } });
      assert.equal(/** @type {any} */ (await auth.apiKeys.check(key)).ownerId, former);
      assert.equal((await auth.apiKeys.get(keyId))?.ownerId, former);
      assert.ok(await auth.apiKeys.revoke(keyId));
      await forget(server, keyId);
      const script = `
        const auth = latchgate.createAuth({ store: ${JSON.stringify(server.url())}, jwt: { secret: SECRET }, apiKeys: {} });
        const made = await auth.apiKeys.create({
          ownerId: ${JSON.stringify(owner)}, key: ${JSON.stringify(key)}, quota: { limit: 100 }, name: 'theirs' });
        console.log(made.keyId);
        await auth.close();`;
      const { status, stdout, stderr } = await runScript(script);
      assert.equal(status, 0, stderr);
      assert.equal(stdout.trim(), keyId, 'the id is the same');
      const count = async (/** @type {() => Promise<any>} */ run) => {
        proxy.commands = {};
        await run();
        return proxy.commands.evalsha ?? 0;
      };
      return { auth, former, owner, key, keyId, count };
    }

    for (const [how, forget] of WAYS) {
      it(`the key acts as its owner: a block of the owner stops it, and a block of the former owner does not, if ${how}`, {
        skip,
      }, async (t) => {
        const { auth, former, owner, key, count } = await importedAgain(t, forget);
        const told = async () => {
          const answer = /** @type {any} */ (await auth.apiKeys.check(key));
          return answer.valid ? answer.ownerId : answer.code;
        };
        await auth.tokens.blockUser(former);
        assert.equal(
          await count(async () => assert.equal(await told(), owner)),
          3,
          'the owner is looked up again',
        );
        assert.equal(
          await count(async () => assert.equal(await told(), owner)),
          1,
          'the owner is remembered',
        );
        await auth.tokens.blockUser(owner);
        assert.equal(await told(), 'blocked');
        await auth.tokens.unblockUser(owner);
        assert.equal(await told(), owner);
        assert.deepEqual(await auth.apiKeys.list(former), []);
        await auth.tokens.revokeUser(former, { apiKeys: true });
        assert.deepEqual(await auth.apiKeys.list(former), []);
        assert.equal(await told(), owner);
        assert.equal((await auth.apiKeys.list(owner)).length, 1);
        await auth.tokens.revokeUser(owner, { apiKeys: true });
        assert.equal(await told(), 'revoked');
      });

      /** @type {Array<[string, (at: { auth: Auth, keyId: string, owner: string }) => Promise<void>]>} */
      const acts = [
        [
          'get()',
          async ({ auth, keyId, owner }) => {
            const { ownerId, name: said } = /** @type {any} */ (await auth.apiKeys.get(keyId));
            assert.deepEqual([ownerId, said], [owner, 'theirs']);
          },
        ],
        [
          'update()',
          async ({ auth, keyId, owner }) => {
            const { ownerId, name: said } = await auth.apiKeys.update(keyId, { name: 'n' });
            assert.deepEqual([ownerId, said], [owner, 'n']);
          },
        ],
        [
          'update() of the expiry',
          async ({ auth, keyId, owner }) => {
            const expiresAt = Date.now() + 90 * 24 * HOUR * 1000;
            const { ownerId } = await auth.apiKeys.update(keyId, { expiresAt });
            assert.equal(ownerId, owner);
          },
        ],
        [
          'rotate()',
          async ({ auth, keyId, owner }) => {
            const { key } = await auth.apiKeys.rotate(keyId);
            assert.equal(/** @type {any} */ (await auth.apiKeys.check(key)).ownerId, owner);
          },
        ],
        [
          'addQuota()',
          async ({ auth, keyId, owner }) => {
            await auth.apiKeys.addQuota(keyId, 5);
            const { ownerId, quota } = /** @type {any} */ (await auth.apiKeys.get(keyId));
            assert.deepEqual([ownerId, quota.remaining], [owner, 105]);
          },
        ],
        [
          'revoke()',
          async ({ auth, keyId, owner }) => {
            assert.equal(await auth.apiKeys.revoke(keyId), true);
            const [{ revoked }] = /** @type {any} */ (await auth.apiKeys.list(owner));
            assert.equal(revoked, true);
          },
        ],
      ];
      it(`every operation finds the owner, if ${how}`, { skip }, async (t) => {
        for (const [what, act] of acts) {
          const at = await importedAgain(t, forget);
          await t.test(what, () => act(at));
        }
      });

      it(`a token in the same request must belong to the owner of the key, if ${how}`, {
        skip,
      }, async (t) => {
        const { auth, former, owner, key } = await importedAgain(t, forget);
        const policy = { credentials: /** @type {const} */ (['bearer', 'api-key']) };
        const beside = async (/** @type {string} */ user) =>
          auth.authenticate(
            { apiKey: key, token: await auth.tokens.issue(user) },
            /** @type {any} */ (policy),
          );
        const theirs = await beside(owner);
        assert.ok(theirs.ok, JSON.stringify(theirs));
        const others = await beside(former);
        assert.ok(!others.ok);
        assert.ok((await beside(owner)).ok);
      });
    }

    it('an import of the text of a live key for another owner does not replace the key', {
      skip,
    }, async (t) => {
      const server = await startServer(t, { kind, steered: true });
      const auth = open(t, { store: server.url(), apiKeys: {} });
      const [former, key] = [unique('former'), unique('imported')];
      await auth.apiKeys.create({ ownerId: former, key });
      const again = auth.apiKeys.create({ ownerId: bucketMate(former), key });
      await assert.rejects(again, fault('INPUT', /known already/));
      assert.equal(/** @type {any} */ (await auth.apiKeys.check(key)).ownerId, former);
    });
  });
}
