// API keys in the embedded store, read from its dump. The store keeps only the hash of a key. A refused key leaves
// the store unchanged, to the last character.
'use strict';

const assert = require('node:assert/strict');
const { createHash } = require('node:crypto');
const { after, beforeEach, describe, it } = require('node:test');
const { serve } = require('./support/app.js');
const { fault, newStore, open } = require('./support/auths.js');
const { send } = require('./support/http.js');
const { HOUR, SECOND, START, backdoor, clock } = require('./support/lab.js');

beforeEach(() => clock.set(START));
after(() => clock.release());

/** Formats bytes as the dump does. @param {Buffer} bytes */
const bytesOf = (bytes) => [...bytes].join(', ');
const digestOf = (/** @type {string} */ text) => bytesOf(createHash('sha256').update(text).digest());

/** Creates keys in every state. @param {import('latchgate').Auth} auth */
async function populate({ apiKeys, tokens }) {
  const of = (/** @type {string} */ ownerId, facts = {}) => apiKeys.create({ ownerId, ...facts });
  const live = await of('mia', { scopes: ['read'], quota: { limit: 5 }, metadata: { a: 1 } });
  const imported = await of('mia', { key: 'imported-0123456789-abcdef' });
  const spent = await of('mia', { quota: { limit: 1 } });
  await apiKeys.check(spent.key);
  const revoked = await of('mia');
  await apiKeys.revoke(revoked.keyId);
  const rotated = await of('mia', { quota: { limit: 5 } });
  const fresh = await apiKeys.rotate(rotated.keyId);
  const graced = await of('mia');
  await apiKeys.rotate(graced.keyId, { grace: '1h' });
  const expired = await of('mia', { expiresAt: START + SECOND });
  const blocked = await of('blocked');
  await tokens.blockUser('blocked');
  const fallen = await of('fallen');
  await tokens.revokeUser('fallen', { apiKeys: true });
  await apiKeys.check(live.key, { idempotencyKey: 'i' });
  clock.advance(HOUR / 2);
  return { live, imported, spent, revoked, rotated, fresh, graced, expired, blocked, fallen };
}

/** @type {Array<[string, (keys: Awaited<ReturnType<typeof populate>>) => string, number, import('latchgate').Policy?]>} what, key, status, policy */
const DENIALS = [
  ['an unknown key', ({ live }) => `${live.key.slice(0, -1)}${live.key.endsWith('A') ? 'B' : 'A'}`, 401],
  ['a key with an unused id', ({ live }) => live.key.replace(live.keyId.slice(4), '0'.repeat(16)), 401],
  ['an unknown imported key', () => 'imported-0123456789-abcdeF', 401],
  ['text that cannot be a key', () => '*', 401],
  ['a revoked key', ({ revoked }) => revoked.key, 401],
  ['a secret that was replaced', ({ rotated }) => rotated.key, 401],
  ['an expired key', ({ expired }) => expired.key, 401],
  ['a key that was revoked with its owner', ({ fallen }) => fallen.key, 401],
  ['a key of a blocked owner', ({ blocked }) => blocked.key, 403],
  ['a key without the scope', ({ live }) => live.key, 403, { scope: 'write' }],
  ['a key with an exhausted quota', ({ spent }) => spent.key, 429],
  [
    'a cost above the remaining units',
    ({ live }) => live.key,
    429,
    { quota: { limit: 9, name: 'n', cost: 5 } },
  ],
];

describe('in the embedded store', () => {
  it('only the hash of a key is stored', async (t) => {
    const store = newStore();
    const auth = open(t, { store, apiKeys: {} });
    const keys = await populate(auth);
    const dump = backdoor(store).dump();
    for (const { key, keyId } of [keys.live, keys.fresh, keys.graced, keys.imported, keys.blocked]) {
      // The text after the id is the secret, and may contain '_'. An imported key is secret as a whole.
      const secret = key.includes(keyId) ? key.slice(key.indexOf(keyId) + keyId.length + 1) : key;
      assert.ok(secret.length >= 16);
      assert.ok(!dump.includes(secret), 'the dump contains no text of the secret');
      assert.ok(!dump.includes(bytesOf(Buffer.from(secret))), 'the dump contains no bytes of the secret');
      assert.ok(
        !dump.includes(bytesOf(Buffer.from(secret, 'base64url'))),
        'the dump contains no decoded secret',
      );
      assert.ok(dump.includes(digestOf(key)), 'the dump contains the hash');
    }
  });

  for (const [what, keyOf, status, policy] of DENIALS) {
    it(`${what} changes nothing`, async (t) => {
      const store = newStore();
      const auth = open(t, { store, apiKeys: {} });
      const key = keyOf(await populate(auth));
      let handled = 0;
      const port = await serve(t, (app) => {
        app.use(auth.middleware({ credentials: ['api-key'], ...policy }));
        app.get('/', (_req, res) => {
          handled++;
          res.sendStatus(200);
        });
      });
      const { dump } = backdoor(store);
      const before = dump();
      for (let n = 0; n < 3; n++) {
        assert.equal((await send(port, { headers: [`x-api-key: ${key}`] })).status, status);
        const scope = policy?.scope === undefined ? {} : { scope: policy.scope };
        const check = { cost: 5, ...scope, idempotencyKey: `denied ${n}` };
        assert.equal((await auth.apiKeys.check(key, check)).valid, false);
      }
      assert.equal(dump(), before);
      assert.equal(handled, 0);
    });
  }

  it('calls about unknown keys change nothing', async (t) => {
    const store = newStore();
    const auth = open(t, { store, apiKeys: {} });
    const { imported, revoked } = await populate(auth);
    const { dump } = backdoor(store);
    const before = dump();
    const unknown = `${revoked.keyId.slice(0, 4)}${'0'.repeat(16)}`;
    const { apiKeys } = auth;
    assert.equal(await apiKeys.get(unknown), null);
    assert.equal(await apiKeys.revoke(unknown), false);
    assert.equal(await apiKeys.revoke(revoked.keyId), false);
    assert.deepEqual(await apiKeys.list('nobody'), []);
    for (const call of [
      () => apiKeys.rotate(unknown),
      () => apiKeys.update(unknown, { name: 'n' }),
      () => apiKeys.addQuota(unknown, 1, { idempotencyKey: 'i' }),
      () => apiKeys.create({ ownerId: 'other', key: imported.key }),
    ])
      await assert.rejects(call(), fault('INPUT'));
    assert.equal(dump(), before);
  });

  it('an accepted key changes the dump, so the dump detects changes', async (t) => {
    const store = newStore();
    const auth = open(t, { store, apiKeys: {} });
    const { live, imported, fresh, graced } = await populate(auth);
    const { dump } = backdoor(store);
    for (const { key } of [live, imported, fresh, graced]) {
      const before = dump();
      clock.advance(SECOND);
      assert.equal((await auth.apiKeys.check(key)).valid, true);
      assert.notEqual(dump(), before);
    }
  });
});
