// All or nothing: a denied request leaves the store unchanged. The test compares the dumps of the store character by
// character.
'use strict';

const assert = require('node:assert/strict');
const { after, beforeEach, describe, it } = require('node:test');
const { EXPRESS, serve } = require('./support/app.js');
const { newStore, open } = require('./support/auths.js');
const { get, send } = require('./support/http.js');
const { fresh, sign } = require('./support/jwt.js');
const { HOUR, MINUTE, START, backdoor, clock } = require('./support/lab.js');

beforeEach(() => clock.set(START));
after(() => clock.release());

/** @param {object} claims @param {{ key?: string }} [options] */
const token = (claims, options) =>
  sign(fresh({ exp: Math.floor(START / 1000) + 20 * 3600, ...claims }, START), options);

/** A store that contains every kind of record. @param {import('latchgate').Auth} auth */
async function populate(auth) {
  for (let user = 0; user < 20; user++) {
    for (let session = 0; session <= user % 3; session++) {
      await auth.sessions.admit(`other-${user}`, {
        sessionId: `s${session}`,
        device: { name: `d${session}` },
      });
    }
  }
  await auth.sessions.end('other-1', 's0');
  await auth.tokens.revokeUser('other-2');
  await auth.tokens.revokeId({ jti: 'x', userId: 'other-3', expiresAt: START + HOUR });
  await auth.tokens.blockUser('other-4', { until: START + HOUR });
  for (const sessionId of ['live', 'second', 'ended', 'idle']) {
    await auth.sessions.admit('mia', { sessionId, device: { name: sessionId } });
  }
  await auth.sessions.end('mia', 'ended');
  for (const sessionId of ['live', 'second']) await auth.sessions.touch('mia', sessionId);
  await auth.sessions.admit('crowd', { sessionId: 'evicted' });
  await auth.sessions.admit('crowd', { sessionId: 'last', limit: 1, onLimit: 'evict-oldest' });
  await auth.sessions.admit('full', { sessionId: 'a' });
  await auth.sessions.admit('full', { sessionId: 'b' });
  await auth.tokens.blockUser('blocked');
  await auth.sessions.admit('revoked', { sessionId: 's' });
  await auth.tokens.revokeUser('revoked');
  await auth.tokens.revoke(token({ sub: 'mia', sid: 'live', jti: 'revoked' }));
}

/** @type {Array<[string, string, number, string, object?]>} what, token, status, code, policy */
const DENIALS = [
  ['a malformed token', 'x.y.z', 401, 'invalid_token'],
  [
    'a token of another secret',
    token({ sub: 'mia', sid: 'live' }, { key: 'x'.repeat(64) }),
    401,
    'invalid_token',
  ],
  [
    'an expired token',
    token({ sub: 'mia', sid: 'live', exp: Math.floor(START / 1000) - 1 }),
    401,
    'invalid_token',
  ],
  ['a token without sub', token({ sub: undefined, sid: 'live' }), 401, 'invalid_token'],
  ['a revoked token', token({ sub: 'mia', sid: 'live', jti: 'revoked' }), 401, 'invalid_token'],
  [
    'a revoked token with a session not seen yet',
    token({ sub: 'mia', sid: 'new', jti: 'revoked' }),
    401,
    'invalid_token',
  ],
  ['a token of a revoked user', token({ sub: 'revoked', sid: 'new' }), 401, 'invalid_token'],
  ['a token of a blocked user', token({ sub: 'blocked', sid: 'new' }), 403, 'blocked'],
  ['an ended session', token({ sub: 'mia', sid: 'ended' }), 401, 'invalid_token'],
  ['an evicted session', token({ sub: 'crowd', sid: 'evicted' }), 401, 'invalid_token'],
  ['a session that has timed out', token({ sub: 'mia', sid: 'idle' }), 401, 'invalid_token'],
  [
    'a missing scope in a live session',
    token({ sub: 'mia', sid: 'live' }),
    403,
    'insufficient_scope',
    { scope: 'write' },
  ],
  [
    'a missing scope in a session not seen yet',
    token({ sub: 'mia', sid: 'new' }),
    403,
    'insufficient_scope',
    { scope: 'write' },
  ],
  [
    'a missing scope of a user not seen yet',
    token({ sub: 'new', sid: 'new' }),
    403,
    'insufficient_scope',
    { scope: 'write' },
  ],
  ['a session over the limit', token({ sub: 'full', sid: 'c' }), 403, 'session_limit'],
];

for (const { name, express } of EXPRESS) {
  describe(`on ${name} the store is unchanged after a request`, () => {
    /** @param {import('node:test').TestContext} t @param {import('latchgate').Policy} [policy] */
    async function site(t, policy) {
      const store = newStore();
      const limit = (/** @type {any} */ claims) => (claims.sub === 'full' ? 2 : 10);
      const sessions = {
        limit,
        admission: /** @type {const} */ ('first-use'),
        idleTimeout: '1h',
        absoluteTimeout: '10h',
      };
      const auth = open(t, { store, sessions });
      const admitting = open(t, { store, sessions: { idleTimeout: '1h', absoluteTimeout: '10h' } });
      await populate(admitting);
      clock.advance(30 * MINUTE);
      for (const sessionId of ['live', 'second']) await admitting.sessions.touch('mia', sessionId);
      for (const sessionId of ['a', 'b']) await admitting.sessions.touch('full', sessionId);
      clock.advance(30 * MINUTE);
      let handled = 0;
      const build = (/** @type {import('express').Express} */ app) => {
        app.use(auth.middleware(policy));
        app.get('/', (_req, res) => {
          handled++;
          res.sendStatus(200);
        });
      };
      const port = await serve(t, build, express);
      return { port, auth, admitting, dump: backdoor(store).dump, handled: () => handled };
    }

    for (const [what, text, status, code, policy] of DENIALS) {
      it(`denied for ${what}`, async (t) => {
        const { port, dump, handled } = await site(t, policy);
        const before = dump();
        assert.match(before, /"mia"/);
        for (let count = 0; count < 3; count++) {
          const answer = await get(port, '/', text);
          assert.equal(answer.status, status);
          assert.equal(answer.body, JSON.stringify({ error: code }));
        }
        assert.equal(dump(), before);
        assert.equal(handled(), 0);
      });
    }

    it('denied for missing, unreadable and repeated headers', async (t) => {
      const { port, dump } = await site(t);
      const before = dump();
      const good = `Authorization: Bearer ${token({ sub: 'mia', sid: 'live' })}`;
      for (const headers of [
        [],
        ['Authorization: Bearer'],
        ['Authorization: Basic eDp5'],
        [good, good],
        [`${good}, x`],
      ]) {
        assert.ok([400, 401].includes((await send(port, { headers })).status));
      }
      assert.equal(dump(), before);
    });

    it('failed by an error in a limit function', async (t) => {
      const store = newStore();
      const auth = open(t, { store, sessions: { limit: () => Number.NaN, admission: 'first-use' } });
      const port = await serve(t, (app) => void app.use(auth.middleware()), express);
      const before = backdoor(store).dump();
      assert.equal((await get(port, '/', token({ sub: 'mia', sid: 'new' }))).status, 500);
      assert.equal(backdoor(store).dump(), before);
    });

    it('an allowed request changes the dump, so the dump detects changes', async (t) => {
      const { port, dump, handled } = await site(t);
      const before = dump();
      assert.equal((await get(port, '/', token({ sub: 'mia', sid: 'live' }))).status, 200);
      assert.notEqual(dump(), before);
      const touched = dump();
      assert.equal((await get(port, '/', token({ sub: 'new', sid: 'new' }))).status, 200);
      assert.notEqual(dump(), touched);
      assert.equal(handled(), 2);
    });
  });
}

describe('a refused call changes nothing in the store', () => {
  it('admissions over the limit, of ended sessions and of blocked users', async (t) => {
    const store = newStore();
    const auth = open(t, { store });
    await populate(auth);
    const before = backdoor(store).dump();
    for (const [user, options] of /** @type {Array<[string, object]>} */ ([
      ['full', { limit: 2 }],
      ['full', { limit: 0, onLimit: 'evict-oldest' }],
      ['mia', { sessionId: 'ended' }],
      ['mia', { sessionId: 'ended', limit: 1, onLimit: 'evict-oldest' }],
      ['blocked', {}],
      ['blocked', { limit: 1, onLimit: 'evict-oldest' }],
    ])) {
      assert.equal((await auth.sessions.admit(user, options)).admitted, false);
      assert.equal(backdoor(store).dump(), before, `${user} ${JSON.stringify(options)}`);
    }
  });

  it('calls on records that do not exist', async (t) => {
    const store = newStore();
    const auth = open(t, { store });
    await populate(auth);
    const before = backdoor(store).dump();
    assert.equal(await auth.sessions.touch('mia', 'ended'), null);
    assert.equal(await auth.sessions.touch('nobody', 'live'), null);
    assert.equal(await auth.sessions.end('mia', 'ended'), false);
    assert.equal(await auth.sessions.end('nobody', 'live'), false);
    assert.equal(await auth.sessions.endAll('nobody'), 0);
    assert.deepEqual(await auth.sessions.list('nobody'), []);
    assert.equal(await auth.tokens.unblockUser('mia'), false);
    assert.equal(await auth.tokens.isRevoked({ jti: 'x', userId: 'nobody' }), false);
    assert.equal(await auth.tokens.revokeId({ jti: 'y', userId: 'mia', expiresAt: START - 1 }), false);
    assert.equal(await auth.tokens.revoke(token({ sub: 'mia' }, { key: 'x'.repeat(64) })), false);
    assert.equal(backdoor(store).dump(), before);
  });
});
