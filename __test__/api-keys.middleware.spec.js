// Results and errors of auth.apiKeys: create, check, rotate, revoke, update, addQuota, get and list.
'use strict';

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const { newStore, fault, open, unique } = require('./support/auths.js');
const { token } = require('./support/jwt.js');

const KEY = /^lg_([0-9a-f]{20})_[A-Za-z0-9_-]{43}$/;
const HOUR = 3_600_000;

describe('a key', () => {
  it('is returned once, and is listed without its secret', async (t) => {
    const { apiKeys } = open(t);
    const ownerId = unique();
    const before = Date.now();
    const { key, keyId } = await apiKeys.create({
      ownerId,
      name: 'büro',
      scopes: ['read', 'write'],
      quota: { limit: 5, window: '1h' },
      expiresAt: before + HOUR,
      metadata: { plan: ['a', null, 1.5] },
    });
    assert.equal(KEY.exec(key)?.[1], keyId);
    const info = await apiKeys.get(keyId);
    assert.ok(info !== null && info.createdAt >= before && info.createdAt <= Date.now());
    assert.deepEqual(info, {
      keyId,
      ownerId,
      name: 'büro',
      start: key.slice(0, 11),
      scopes: ['read', 'write'],
      createdAt: info.createdAt,
      expiresAt: before + HOUR,
      lastUsedAt: null,
      revoked: false,
      quota: { allowed: true, limit: 5, remaining: 5, resetAt: null, retryAfterMs: null },
      metadata: { plan: ['a', null, 1.5] },
    });
    assert.deepEqual(await apiKeys.list(ownerId), [info]);
    assert.ok(!JSON.stringify(info).includes(key.slice(-43)));
    const checked = await apiKeys.check(key, { scope: 'read write' });
    assert.ok(checked.valid && checked.quota?.remaining === 4);
    assert.deepEqual(
      [checked.keyId, checked.ownerId, checked.scopes, checked.metadata],
      [keyId, ownerId, ['read', 'write'], { plan: ['a', null, 1.5] }],
    );
    assert.ok(/** @type {any} */ (await apiKeys.get(keyId)).lastUsedAt >= before);
  });

  it('has no optional fields by default, and several keys are listed by age', async (t) => {
    const { apiKeys } = open(t, { apiKeys: { prefix: 'my_app-1' } });
    const ownerId = unique();
    const made = [];
    for (let n = 0; n < 3; n++) made.push(await apiKeys.create({ ownerId }));
    assert.ok(made.every(({ key, keyId }) => key.startsWith(`my_app-1_${keyId}_`)));
    const ids = made.map(({ keyId }) => keyId);
    const listed = await apiKeys.list(ownerId);
    assert.deepEqual(new Set(listed.map(({ keyId }) => keyId)), new Set(ids));
    assert.ok(listed.every((one, at) => at === 0 || listed[at - 1].createdAt <= one.createdAt));
    assert.deepEqual(await apiKeys.check(made[0].key), { valid: true, keyId: ids[0], ownerId, scopes: [] });
    assert.ok(!('name' in listed[0]) && !('quota' in listed[0]) && !('metadata' in listed[0]));
    assert.deepEqual(await apiKeys.list(unique()), []);
  });

  it('of another process and of another prefix is known immediately', async (t) => {
    const store = newStore();
    const [here, there] = [open(t, { store }), open(t, { store, apiKeys: { prefix: 'other' } })];
    const { key, keyId } = await here.apiKeys.create({ ownerId: unique() });
    assert.equal((await there.apiKeys.check(key)).valid, true);
    const again = await there.apiKeys.rotate(keyId);
    assert.ok(again.key.startsWith('other_') && again.keyId === keyId);
    assert.equal((await here.apiKeys.check(again.key)).valid, true);
    assert.deepEqual(await here.apiKeys.check(again.key.replace('other', 'lg')), {
      valid: false,
      code: 'not_found',
    });
    assert.deepEqual(await here.apiKeys.check(key), { valid: false, code: 'revoked' });
  });
});

describe('check()', () => {
  it('answers not_found to text that is not a key, and does not store the text', async (t) => {
    const { apiKeys } = open(t);
    const { key } = await apiKeys.create({ ownerId: unique() });
    const other = `${key.slice(0, -1)}${key.endsWith('A') ? 'B' : 'A'}`;
    const texts = ['', '*', '{}', 'a\nb', ' ', 'x'.repeat(10_240), `${key},${key}`, `${key} `, '\ud800'];
    for (const text of [
      ...texts,
      other,
      key.toUpperCase(),
      key.slice(3),
      `lg_${'0'.repeat(20)}_${'A'.repeat(43)}`,
    ]) {
      assert.deepEqual(await apiKeys.check(text), { valid: false, code: 'not_found' }, text.slice(0, 80));
    }
  });

  it('reports the first of several reasons, and a denial consumes nothing', async (t) => {
    const { apiKeys, tokens } = open(t);
    const ownerId = unique();
    const { key, keyId } = await apiKeys.create({ ownerId, quota: { limit: 1 }, scopes: ['a'] });
    const code = async () => {
      const answer = await apiKeys.check(key, { cost: 2, scope: ['a', 'b'] });
      return answer.valid ? 'valid' : answer.code;
    };
    const spent = await apiKeys.check(key, { cost: 2 });
    assert.ok(!spent.valid && spent.code === 'quota_exhausted');
    assert.deepEqual(spent.quota, {
      allowed: false,
      limit: 1,
      remaining: 1,
      resetAt: null,
      retryAfterMs: null,
    });
    assert.equal(await code(), 'insufficient_scope');
    await apiKeys.update(keyId, { expiresAt: Date.now() - 1000 });
    assert.equal(await code(), 'expired');
    await tokens.blockUser(ownerId);
    assert.equal(await code(), 'blocked');
    assert.equal(await apiKeys.revoke(keyId), true);
    assert.equal(await code(), 'revoked');
    assert.equal(await apiKeys.revoke(keyId), false);
    const info = await apiKeys.get(keyId);
    assert.deepEqual([info?.quota?.remaining, info?.lastUsedAt, info?.revoked], [1, null, true]);
  });

  it('with a cost of 0 only reads the quota', async (t) => {
    const { apiKeys } = open(t);
    const { key, keyId } = await apiKeys.create({ ownerId: unique(), quota: { limit: 2 } });
    const looked = await apiKeys.check(key, { cost: 0 });
    assert.ok(looked.valid && looked.quota?.remaining === 2);
    assert.equal((await apiKeys.get(keyId))?.lastUsedAt, null);
    await apiKeys.check(key, { cost: 2 });
    assert.equal((await apiKeys.check(key, { cost: 0 })).valid, true);
    assert.equal((await apiKeys.check(key)).valid, false);
  });

  it('charges once per idempotencyKey, and refuses a different request under the same idempotencyKey', async (t) => {
    const { apiKeys } = open(t);
    const { key, keyId } = await apiKeys.create({ ownerId: unique(), quota: { limit: 5 } });
    const other = await apiKeys.create({ ownerId: unique(), quota: { limit: 5 } });
    const ask = async (/** @type {number} */ cost) => {
      const answer = await apiKeys.check(key, { cost, idempotencyKey: 'i' });
      return [answer.quota?.remaining, answer.quota?.replayed];
    };
    assert.deepEqual(await ask(2), [3, undefined]);
    assert.deepEqual(await ask(2), [3, true]);
    await assert.rejects(apiKeys.check(key, { cost: 1, idempotencyKey: 'i' }), fault('INPUT'));
    await assert.rejects(apiKeys.addQuota(keyId, 2, { idempotencyKey: 'i' }), fault('INPUT'));
    // Another key has its own idempotency memory.
    const fresh = await apiKeys.check(other.key, { cost: 1, idempotencyKey: 'i' });
    assert.equal(fresh.quota?.replayed, undefined);
  });

  it('allows exactly the limit, for any mix of old and new secrets', async (t) => {
    const { apiKeys } = open(t);
    const { key, keyId } = await apiKeys.create({ ownerId: unique(), quota: { limit: 50 } });
    const rotated = await apiKeys.rotate(keyId, { grace: '1h' });
    const answers = await Promise.all(
      Array.from({ length: 200 }, (_each, n) => apiKeys.check(n % 2 === 0 ? key : rotated.key)),
    );
    assert.equal(answers.filter(({ valid }) => valid).length, 50);
    assert.equal((await apiKeys.get(keyId))?.quota?.remaining, 0);
  });
});

describe('a key is changed', () => {
  it('by rotate(): one old secret works for the grace period and is then revoked', async (t) => {
    const { apiKeys } = open(t);
    const first = await apiKeys.create({ ownerId: unique() });
    const second = await apiKeys.rotate(first.keyId, { grace: '1h' });
    assert.equal((await apiKeys.check(first.key)).valid, true);
    const third = await apiKeys.rotate(first.keyId, { grace: '1h' });
    const codes = await Promise.all([first, second, third].map(({ key }) => apiKeys.check(key)));
    assert.deepEqual(
      codes.map((answer) => (answer.valid ? 'valid' : answer.code)),
      ['revoked', 'valid', 'valid'],
    );
    await apiKeys.rotate(first.keyId);
    assert.deepEqual(await apiKeys.check(third.key), { valid: false, code: 'revoked' });
    await apiKeys.revoke(first.keyId);
    await assert.rejects(apiKeys.rotate(first.keyId), fault('INPUT'));
  });

  it('by update(), and fields that the patch omits stay', async (t) => {
    const { apiKeys } = open(t);
    const made = { ownerId: unique(), name: 'n', scopes: ['a'], expiresAt: Date.now() + HOUR, metadata: 'm' };
    const { key, keyId } = await apiKeys.create({ ...made, quota: { limit: 5 } });
    await apiKeys.check(key, { cost: 3 });
    const info = await apiKeys.update(keyId, { quota: { limit: 4 }, expiresAt: null });
    assert.deepEqual([info.name, info.scopes, info.metadata], ['n', ['a'], 'm']);
    assert.deepEqual([info.expiresAt, info.quota?.limit, info.quota?.remaining], [null, 4, 1]);
    const bare = await apiKeys.update(keyId, { scopes: [], metadata: /** @type {any} */ (null), name: 'z' });
    assert.deepEqual([bare.name, bare.scopes, 'metadata' in bare], ['z', [], false]);
    assert.deepEqual(await apiKeys.update(keyId, {}), bare);
    const window = await apiKeys.update(keyId, { quota: { limit: 3, window: '1h' } });
    assert.equal(window.quota?.remaining, 3, 'a rule of another algorithm starts to count from 0');
  });

  it('by addQuota(), for a balance only', async (t) => {
    const { apiKeys } = open(t);
    const { key, keyId } = await apiKeys.create({ ownerId: unique(), quota: { limit: 1 } });
    await apiKeys.check(key);
    const added = await apiKeys.addQuota(keyId, 4, { idempotencyKey: 'i' });
    assert.deepEqual([added.limit, added.remaining, added.replayed], [5, 4, undefined]);
    assert.equal((await apiKeys.addQuota(keyId, 4, { idempotencyKey: 'i' })).replayed, true);
    assert.equal((await apiKeys.get(keyId))?.quota?.remaining, 4);
    await assert.rejects(apiKeys.addQuota(keyId, Number.MAX_SAFE_INTEGER), fault('INPUT'));
    const window = await apiKeys.create({ ownerId: unique(), quota: { limit: 1, window: 1000 } });
    const plain = await apiKeys.create({ ownerId: unique() });
    for (const other of [window, plain])
      await assert.rejects(apiKeys.addQuota(other.keyId, 1), fault('INPUT'));
  });

  it('by revokeUser({ apiKeys: true }), which spares later keys; revokeUser() alone does not change keys', async (t) => {
    const { apiKeys, tokens } = open(t);
    const ownerId = unique();
    const old = await apiKeys.create({ ownerId });
    await tokens.revokeUser(ownerId);
    assert.equal((await apiKeys.check(old.key)).valid, true);
    await tokens.revokeUser(ownerId, { apiKeys: true });
    const fresh = await apiKeys.create({ ownerId });
    assert.deepEqual(await apiKeys.check(old.key), { valid: false, code: 'revoked' });
    assert.equal((await apiKeys.check(fresh.key)).valid, true);
    assert.deepEqual(
      new Map((await apiKeys.list(ownerId)).map(({ keyId, revoked }) => [keyId, revoked])),
      new Map([
        [old.keyId, true],
        [fresh.keyId, false],
      ]),
    );
  });

  it('by blockUser() until unblocked', async (t) => {
    const { apiKeys, tokens } = open(t);
    const ownerId = unique();
    const { key } = await apiKeys.create({ ownerId });
    await tokens.blockUser(ownerId);
    assert.deepEqual(await apiKeys.check(key), { valid: false, code: 'blocked' });
    await tokens.unblockUser(ownerId);
    assert.equal((await apiKeys.check(key)).valid, true);
  });
});

describe('an imported key', () => {
  it('works unchanged, has an id, and can be imported only once', async (t) => {
    const { apiKeys } = open(t);
    const ownerId = unique();
    const text = unique('imported');
    const made = await apiKeys.create({ ownerId, key: text, quota: { limit: 3 } });
    assert.equal(made.key, text);
    assert.equal((await apiKeys.get(made.keyId))?.start, text.slice(0, 4));
    for (const owner of [ownerId, unique()]) {
      await assert.rejects(apiKeys.create({ ownerId: owner, key: text }), fault('INPUT', /known/));
    }
    assert.equal((await apiKeys.check(text)).quota?.remaining, 2);
    const rotated = await apiKeys.rotate(made.keyId, { grace: '1h' });
    assert.match(rotated.key, KEY);
    assert.equal((await apiKeys.check(rotated.key)).quota?.remaining, 1);
    assert.equal((await apiKeys.check(text)).quota?.remaining, 0);
    assert.deepEqual(await apiKeys.check(unique('imported')), { valid: false, code: 'not_found' });
  });

  it('of concurrent imports of one text, exactly one succeeds', async (t) => {
    const { apiKeys } = open(t);
    const text = unique('imported');
    const imports = Array.from({ length: 20 }, (_each, n) =>
      apiKeys.create({ ownerId: `${text} ${n}`, key: text }),
    );
    const done = await Promise.allSettled(imports);
    assert.equal(done.filter(({ status }) => status === 'fulfilled').length, 1);
    assert.equal((await apiKeys.check(text)).valid, true);
  });

  it('must be distinguishable in a header, and must not look like a generated key', async (t) => {
    const { apiKeys } = open(t);
    const { key: own } = await apiKeys.create({ ownerId: unique() });
    const wrong = [
      '',
      'short',
      'with,comma,0123456789',
      'with blank 0123456789',
      'ü'.repeat(16),
      'x'.repeat(513),
      own,
    ];
    for (const key of wrong) {
      await assert.rejects(apiKeys.create({ ownerId: unique(), key }), fault('INPUT'), key);
    }
  });
});

describe('invalid arguments are refused, and change nothing', () => {
  /** @type {Array<[string, (apiKeys: any, keyId: string) => Promise<unknown>]>} */
  const CALLS = [
    ['no options', (keys) => keys.create()],
    ['no owner', (keys) => keys.create({})],
    ['an empty owner', (keys) => keys.create({ ownerId: '' })],
    ['an unknown option', (keys) => keys.create({ ownerId: 'u', scope: 'a' })],
    ['a key that is not a string', (keys) => keys.create({ ownerId: 'u', key: 7 })],
    ['a long name', (keys) => keys.create({ ownerId: 'u', name: 'x'.repeat(513) })],
    ['scopes in a string', (keys) => keys.create({ ownerId: 'u', scopes: 'a b' })],
    ['a scope with a blank', (keys) => keys.create({ ownerId: 'u', scopes: ['a b'] })],
    ['a quota without limit', (keys) => keys.create({ ownerId: 'u', quota: {} })],
    ['a quota with a cost', (keys) => keys.create({ ownerId: 'u', quota: { limit: 1, cost: 1 } })],
    ['an expiry in seconds', (keys) => keys.create({ ownerId: 'u', expiresAt: 1_700_000_000 })],
    ['metadata that is not JSON', (keys) => keys.create({ ownerId: 'u', metadata: { a: undefined } })],
    ['too much metadata', (keys) => keys.create({ ownerId: 'u', metadata: 'x'.repeat(4095) })],
    ['a check of a value that is not a string', (keys) => keys.check(7)],
    ...[-1, 1.5, NaN, 2 ** 53, '1'].map(
      (cost) =>
        /** @type {[string, (keys: any) => Promise<unknown>]} */ ([
          `a cost of ${cost}`,
          (keys) => keys.check('x', { cost }),
        ]),
    ),
    ['an empty idempotencyKey', (keys) => keys.check('x', { idempotencyKey: '' })],
    ['an empty scope', (keys) => keys.check('x', { scope: '' })],
    ['an unknown option of check', (keys) => keys.check('x', { scopes: 'a' })],
    ['a grace below zero', (keys, id) => keys.rotate(id, { grace: -1 })],
    ['a grace that is not a duration', (keys, id) => keys.rotate(id, { grace: 'soon' })],
    ['units of 0', (keys, id) => keys.addQuota(id, 0)],
    ['units of 1.5', (keys, id) => keys.addQuota(id, 1.5)],
    ['an owner in a patch', (keys, id) => keys.update(id, { ownerId: 'v' })],
    ['no patch', (keys, id) => keys.update(id)],
    ['null for a name', (keys, id) => keys.update(id, { name: null })],
    ['rotate() of an unknown id', (keys) => keys.rotate('0'.repeat(20))],
    ['update() of an unknown id', (keys) => keys.update('0'.repeat(20), {})],
    ['addQuota() to an unknown id', (keys) => keys.addQuota('0'.repeat(20), 1)],
    ['rotate() of an invalid id', (keys) => keys.rotate('ffff{}*')],
    ['get() of a value that is not a string', (keys) => keys.get(7)],
    ['revoke() of nothing', (keys) => keys.revoke()],
    ['list() of nobody', (keys) => keys.list('')],
  ];
  for (const [what, call] of CALLS) {
    it(what, async (t) => {
      const { apiKeys } = open(t);
      const { key, keyId } = await apiKeys.create({ ownerId: 'u', quota: { limit: 1 }, name: 'n' });
      const before = await apiKeys.list('u');
      await assert.rejects(call(apiKeys, keyId), fault('INPUT'));
      assert.deepEqual(await apiKeys.list('u'), before);
      assert.equal((await apiKeys.check(key)).valid, true);
    });
  }

  it('get() and revoke() of an unknown id do not fail', async (t) => {
    const { apiKeys } = open(t);
    for (const keyId of ['0'.repeat(20), 'nothing', '{}', 'ffff'.repeat(5)]) {
      assert.equal(await apiKeys.get(keyId), null);
      assert.equal(await apiKeys.revoke(keyId), false);
    }
  });

  it('every call rejects after close()', async (t) => {
    const auth = open(t);
    const { key, keyId } = await auth.apiKeys.create({ ownerId: 'u' });
    await auth.close();
    for (const call of [
      auth.apiKeys.create({ ownerId: 'u' }),
      auth.apiKeys.check(key),
      auth.apiKeys.rotate(keyId),
      auth.apiKeys.list('u'),
      auth.authenticate({ apiKey: key, token: token() }, { credentials: ['api-key'] }),
    ]) {
      await assert.rejects(call, fault('CLOSED'));
    }
  });
});
