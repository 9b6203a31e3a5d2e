// What the contract names and this version does not build is refused by name, and never ignored.
'use strict';

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const { authMiddleware, createAuth } = require('latchgate');
const { fault, open } = require('./support/auths.js');
const { SECRET } = require('./support/jwt.js');

const jwt = { secret: SECRET };

describe('createAuth() refuses', () => {
  /** @type {Array<[string, object, RegExp]>} */
  const OPTIONS = [['mode observe', { jwt, mode: 'observe' }, /observe/]];
  for (const [what, options, names] of OPTIONS) {
    it(what, () => {
      assert.throws(() => createAuth(/** @type {any} */ (options)), fault('CONFIG', names));
      assert.throws(() => authMiddleware(/** @type {any} */ (options)), fault('CONFIG', names));
    });
  }

  it('takes the defaults of what is not built, said aloud', (t) => {
    open(t, { mode: 'enforce', onStoreError: 'deny' });
    open(t, { onStoreError: { revocation: 'deny', sessions: 'deny', quota: 'deny' } });
  });
});

describe('an Auth refuses', () => {
  for (const [group, methods] of Object.entries({
    locks: ['runExclusive', 'acquire'],
  })) {
    for (const method of methods) {
      it(`${group}.${method}(), by rejecting`, async (t) => {
        /** @type {any} */
        const auth = open(t);
        const answer = auth[group][method]('a', 'b');
        assert.ok(answer instanceof Promise);
        await assert.rejects(answer, fault('CONFIG', new RegExp(`${group}\\.${method}`)));
      });
    }
  }

  it('counters.apply() with the auth of a request with an API key', async (t) => {
    const auth = open(t, { apiKeys: {} });
    const { key } = await auth.apiKeys.create({ ownerId: 'u' });
    const passed = await auth.authenticate({ apiKey: key });
    assert.ok(passed.ok);
    const changes = [{ name: 'n', delta: 1 }];
    const applied = auth.counters.apply('u', changes, { auth: passed.auth });
    await assert.rejects(applied, fault('CONFIG', /API key/));
    assert.equal(await auth.counters.get('u', 'n'), 0);
  });

  it('serialize(), by throwing', (t) => {
    const auth = open(t);
    assert.throws(() => auth.serialize(), fault('CONFIG', /serialize/));
  });

  /** @type {Array<[string, (tokens: any) => Promise<unknown>]>} */
  const CALLS = [
    ['barrier of revokeUser()', (tokens) => tokens.revokeUser('u', { barrier: true })],
    ['wait of revokeUser()', (tokens) => tokens.revokeUser('u', { wait: '1s' })],
    ['barrier of blockUser()', (tokens) => tokens.blockUser('u', { barrier: true })],
    ['wait of blockUser()', (tokens) => tokens.blockUser('u', { wait: '1s' })],
  ];
  for (const [what, call] of CALLS) {
    it(`${what}, and then revokes nothing`, async (t) => {
      const auth = open(t);
      const token = await auth.tokens.issue('u');
      await assert.rejects(call(auth.tokens), fault('CONFIG', new RegExp(what.split(' ')[0])));
      assert.equal((await auth.authenticate({ token })).ok, true);
    });
  }
});
