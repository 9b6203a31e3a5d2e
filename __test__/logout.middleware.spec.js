// The end of a login: logout, and the events about it.
'use strict';

const assert = require('node:assert/strict');
const { createHmac, generateKeyPairSync } = require('node:crypto');
const { describe, it } = require('node:test');
const { createAuth } = require('latchgate');
const { fault, newStore, open, unique } = require('./support/auths.js');
const { SECRET, sign, fresh } = require('./support/jwt.js');
const { ids, login, passes, refresh, why } = require('./support/logins.js');

describe('logout()', () => {
  it('accepts the access token, the refresh token, a used refresh token, or req.auth', async (t) => {
    const auth = open(t);
    const user = unique();
    const other = await login(auth, user);
    for (const pick of ['access', 'refresh', 'spent', 'auth']) {
      const { refreshToken, accessToken } = await login(auth, user);
      const next = await refresh(auth, refreshToken);
      const passed = await auth.authenticate({ token: next.accessToken });
      assert.ok(passed.ok);
      const given = {
        access: accessToken,
        refresh: next.refreshToken,
        spent: refreshToken,
        auth: passed.auth,
      };
      const what = given[/** @type {keyof typeof given} */ (pick)];
      assert.equal(await auth.tokens.logout(what), true, pick);
      assert.equal(await auth.tokens.logout(what), false, pick);
      assert.equal(await why(auth, next.refreshToken), 'revoked');
      assert.ok(!(await passes(auth, next.accessToken)));
    }
    assert.ok(await passes(auth, other.accessToken), 'other logins stay valid');
  });

  it('accepts an expired access token, and refuses a token that is not authentic', async (t) => {
    const auth = open(t, { jwt: { secret: SECRET, accessTtl: 1 } });
    const user = unique();
    const { accessToken } = await login(auth, user);
    while (await passes(auth, accessToken)) await new Promise(setImmediate);
    const [head, body] = accessToken.split('.');
    const forged = createHmac('sha256', 'another secret of 32 bytes or more').update(`${head}.${body}`);
    assert.equal(await auth.tokens.logout(`${head}.${body}.${forged.digest('base64url')}`), false);
    assert.equal((await ids(auth, user)).length, 1);
    assert.equal(await auth.tokens.logout(accessToken), true);
    assert.equal((await ids(auth, user)).length, 0);
  });

  it('takes effect on an Auth that has only the public key', async (t) => {
    const store = newStore();
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const signs = open(t, { store, jwt: { privateKey } });
    const verifies = open(t, { store, jwt: { publicKey } });
    const user = unique();
    const [ended, left] = [await login(signs, user), await login(signs, user)];
    assert.ok(await passes(verifies, ended.accessToken));
    assert.equal(await signs.tokens.logout(ended.refreshToken), true);
    assert.ok(!(await passes(verifies, ended.accessToken)));
    assert.equal(await verifies.tokens.logout(left.accessToken), true);
    assert.equal(await why(signs, left.refreshToken), 'revoked');
  });

  it('revokes the token if sessions are not checked', async (t) => {
    const auth = open(t);
    const token = sign(fresh({ sub: unique(), sid: 's' }));
    assert.ok(await passes(auth, token));
    assert.equal(await auth.tokens.logout(token), true);
    assert.ok(!(await passes(auth, token)));
  });

  it('ends the session of a foreign token if sessions are checked', async (t) => {
    const auth = open(t, { sessions: { admission: 'first-use' } });
    const user = unique();
    const token = sign(fresh({ sub: user, sid: 's' }));
    assert.ok(await passes(auth, token));
    assert.equal(await auth.tokens.logout(token), true);
    assert.ok(!(await passes(auth, token)));
    assert.ok(!(await passes(auth, sign(fresh({ sub: user, sid: 's', jti: 'x' })))));
  });

  it('refuses any other value', async (t) => {
    const auth = open(t, { apiKeys: {} });
    const stranger = open(t);
    const { key } = await auth.apiKeys.create({ ownerId: 'u' });
    const passed = await auth.authenticate({ apiKey: key });
    assert.ok(passed.ok);
    const { accessToken } = await login(stranger, unique());
    const foreign = await stranger.authenticate({ token: accessToken });
    assert.ok(foreign.ok);
    for (const what of [undefined, null, 7, {}, passed.auth, foreign.auth])
      await assert.rejects(auth.tokens.logout(/** @type {any} */ (what)), fault('INPUT'));
  });
});

it('events report admission, eviction and reuse, and nothing else', async (t) => {
  const auth = open(t, { sessions: { limit: 1, onLimit: 'evict-oldest' }, refresh: { graceWindow: 0 } });
  const user = unique();
  /** @type {object[]} */
  const told = [];
  for (const event of /** @type {const} */ (['admitted', 'evicted', 'revoked']))
    auth.on(event, (each) => told.push(each));
  const first = await login(auth, user, { sessionId: 'a', requestId: 'r' });
  const again = await login(auth, user, { requestId: 'r' });
  const second = await login(auth, user, { sessionId: 'b' });
  assert.equal(await why(auth, again.refreshToken), 'revoked');
  await refresh(auth, second.refreshToken);
  assert.equal(await why(auth, second.refreshToken), 'reused');
  assert.equal(await why(auth, second.refreshToken), 'revoked');
  assert.equal(await why(auth, first.refreshToken), 'revoked');
  assert.deepEqual(told, [
    { type: 'admitted', userId: user, sessionId: 'a', active: 1, limit: 1 },
    { type: 'evicted', userId: user, sessionId: 'a' },
    { type: 'admitted', userId: user, sessionId: 'b', active: 1, limit: 1 },
    { type: 'revoked', kind: 'session', reason: 'reused', userId: user, sessionId: 'b' },
  ]);
  assert.deepEqual(await ids(auth, user), []);
});

it('the options of refresh are all checked', (t) => {
  /** @type {any[]} */
  const bad = [
    { ttl: 0 },
    { ttl: '1' },
    { ttl: -1 },
    { graceWindow: -1 },
    { graceWindow: '2h' },
    { graceWindow: NaN },
    { grace: 1 },
    7,
    [],
  ];
  for (const refresh of bad)
    assert.throws(() => createAuth({ jwt: { secret: SECRET }, refresh }), fault('CONFIG', /refresh/));
  open(t, { refresh: {} });
  open(t, { refresh: { ttl: '7d', graceWindow: '0s' } });
});
