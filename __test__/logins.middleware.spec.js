// Login, refresh and logout: from the first token to the last, behind the middleware and by direct calls.
'use strict';

const assert = require('node:assert/strict');
const { createHmac } = require('node:crypto');
const { describe, it } = require('node:test');
const { EXPRESS, serve } = require('./support/app.js');
const { fault, newStore, open, unique } = require('./support/auths.js');
const { get, send } = require('./support/http.js');
const { SECRET, sign, fresh } = require('./support/jwt.js');
const { claimsOf, ids, login, passes, refresh, why } = require('./support/logins.js');

for (const { name, express } of EXPRESS) {
  it(`an app logs in, refreshes and logs out on ${name}`, async (t) => {
    const auth = open(t, { sessions: { limit: 1 } });
    const user = unique();
    const port = await serve(
      t,
      (app) => {
        app.post('/login', async (_req, res) => {
          const answer = await auth.tokens.login(user);
          res.status(answer.ok ? 201 : 403).json(answer);
        });
        app.post('/refresh/:token', async (req, res) => {
          const answer = await auth.tokens.refresh(req.params.token);
          res.status(answer.ok ? 200 : 400).json(answer.ok ? answer : { error: 'invalid_grant' });
        });
        app.use(auth.middleware());
        app.get('/', (req, res) => void res.json({ user: req.auth?.userId }));
        app.post('/logout', async (req, res) => {
          res.json({ done: await auth.tokens.logout(/** @type {any} */ (req.auth)) });
        });
      },
      express,
    );
    const post = async (/** @type {string} */ path, /** @type {string} */ token = '') => {
      const headers = token === '' ? [] : [`Authorization: Bearer ${token}`];
      const { status, body } = await send(port, { method: 'POST', path, headers });
      return { status, body: JSON.parse(String(body) || '{}') };
    };
    const first = await post('/login');
    assert.equal(first.status, 201);
    assert.equal((await post('/login')).status, 403);
    assert.equal((await get(port, '/', first.body.accessToken)).status, 200);
    const second = await post(`/refresh/${first.body.refreshToken}`);
    assert.equal(second.status, 200);
    for (const token of [first.body.accessToken, second.body.accessToken])
      assert.equal((await get(port, '/', token)).status, 200);
    // An access token is not a refresh token, and a refresh token is not an access token.
    assert.equal((await post(`/refresh/${second.body.accessToken}`)).status, 400);
    assert.equal((await get(port, '/', second.body.refreshToken)).status, 401);
    assert.deepEqual((await post('/logout', second.body.accessToken)).body, { done: true });
    for (const token of [first.body.accessToken, second.body.accessToken])
      assert.equal((await get(port, '/', token)).status, 401);
    for (const { body } of [first, second])
      assert.equal((await post(`/refresh/${body.refreshToken}`)).status, 400);
    assert.equal((await post('/login')).status, 201);
  });
}

describe('login()', () => {
  it('takes a slot, and its tokens and its result contain the given data', async (t) => {
    const auth = open(t, { sessions: { limit: 2 }, jwt: { secret: SECRET, accessTtl: '5m' } });
    const user = unique();
    const device = { agent: 'x' };
    const before = Date.now();
    const answer = await login(auth, user, {
      sessionId: 'mine',
      claims: { role: 'é', deep: { a: [1] } },
      scope: ['read', 'write'],
      device,
    });
    const { admission, accessToken, expiresAt, refreshExpiresAt } = answer;
    assert.deepEqual([admission.active, admission.limit, admission.existing], [1, 2, false]);
    assert.deepEqual(admission.session.device, device);
    assert.equal(admission.session.sessionId, 'mine');
    const claims = claimsOf(accessToken);
    assert.deepEqual(
      [claims.sub, claims.sid, claims.lgs, claims.scope, claims.role, claims.deep],
      [user, 'mine', 1, 'read write', 'é', { a: [1] }],
    );
    assert.equal(expiresAt, claims.exp * 1000, 'the result has the expiry of the access token');
    assert.ok(refreshExpiresAt >= before + 12 * 3_600_000 - 1000);
    const passed = await auth.authenticate({ token: accessToken }, { scope: 'write' });
    assert.ok(passed.ok);
    assert.equal(passed.auth.session?.active, 1);
  });

  it('is refused like an admission, and then creates nothing', async (t) => {
    const auth = open(t, { sessions: { limit: 1 } });
    const user = unique();
    await login(auth, user);
    const refused = await auth.tokens.login(user);
    assert.ok(!refused.ok);
    const { ok, ...rest } = refused;
    assert.deepEqual(
      { ...rest, retryAfterMs: 0 },
      { admitted: false, reason: 'session_limit', active: 1, limit: 1, retryAfterMs: 0 },
    );
    assert.equal((await ids(auth, user)).length, 1);
    const more = await login(auth, user, { limit: 2 });
    assert.equal(more.admission.active, 2);
    const evicting = await login(auth, user, { limit: 2, onLimit: 'evict-oldest' });
    assert.equal(evicting.admission.evicted.length, 1);
    await auth.tokens.blockUser(user);
    const blocked = await auth.tokens.login(user);
    assert.ok(!blocked.ok && blocked.reason === 'blocked');
  });

  it("issues tokens that need a live session, regardless of the Auth's admission option", async (t) => {
    const store = newStore();
    const user = unique();
    const plain = open(t, { store });
    const byUse = open(t, { store, sessions: { admission: 'first-use' } });
    const { accessToken, admission } = await login(plain, user);
    for (const auth of [plain, byUse]) assert.ok(await passes(auth, accessToken));
    await plain.sessions.end(user, admission.session.sessionId);
    for (const auth of [plain, byUse]) assert.ok(!(await passes(auth, accessToken)));
    // On another store, the session was never admitted.
    const elsewhere = open(t, { sessions: { admission: 'first-use' } });
    assert.ok(!(await passes(elsewhere, accessToken)));
    assert.deepEqual(await ids(elsewhere, user), []);
  });

  it('refuses the id of a known session, live or ended, from a login or from a first use', async (t) => {
    const auth = open(t, { sessions: { admission: 'first-use' } });
    const user = unique();
    await auth.sessions.admit(user, { sessionId: 'live' });
    await login(auth, user, { sessionId: 'logged-in' });
    await auth.sessions.admit(user, { sessionId: 'ended' });
    await auth.sessions.end(user, 'ended');
    await passes(auth, sign(fresh({ sub: user, sid: 'used' })));
    const before = await ids(auth, user);
    for (const sessionId of ['live', 'logged-in', 'ended', 'used'])
      await assert.rejects(auth.tokens.login(user, { sessionId }), fault('INPUT', /sessionId/));
    assert.deepEqual(await ids(auth, user), before);
    await login(auth, unique(), { sessionId: 'live' });
  });

  it('that is retried with the same requestId uses one slot, and its earlier refresh token becomes invalid', async (t) => {
    const auth = open(t, { sessions: { limit: 1 } });
    const user = unique();
    const first = await login(auth, user, { requestId: 'r', sessionId: 's' });
    const again = await login(auth, user, { requestId: 'r', sessionId: 's' });
    const other = await login(auth, user, { requestId: 'r' });
    for (const { admission } of [again, other]) {
      assert.deepEqual([admission.existing, admission.active], [true, 1]);
      assert.equal(admission.session.sessionId, 's');
    }
    assert.ok(await passes(auth, first.accessToken));
    for (const { refreshToken } of [first, again]) assert.equal(await why(auth, refreshToken), 'invalid');
    const next = await refresh(auth, other.refreshToken);
    assert.ok(await passes(auth, next.accessToken));
    // The same requestId of another user is new. After the session ended, the same requestId of this user is new
    // too.
    assert.equal((await login(auth, unique(), { requestId: 'r' })).admission.existing, false);
    assert.ok(await auth.tokens.logout(next.refreshToken));
    await assert.rejects(auth.tokens.login(user, { requestId: 'r', sessionId: 's' }), fault('INPUT'));
    assert.equal((await login(auth, user, { requestId: 'r' })).admission.existing, false);
    assert.equal(await why(auth, next.refreshToken), 'revoked');
  });

  it('works immediately after each revokeUser(), and no older token stays valid', async (t) => {
    const auth = open(t);
    const user = unique();
    /** @type {Array<Awaited<ReturnType<typeof login>>>} */
    const older = [];
    for (let round = 0; round < 20; round++) {
      const now = await login(auth, user);
      assert.ok(await passes(auth, now.accessToken));
      for (const { accessToken, refreshToken } of older) {
        assert.ok(!(await passes(auth, accessToken)));
        assert.equal(await why(auth, refreshToken), 'revoked');
      }
      older.push(now);
      assert.equal((await auth.tokens.revokeUser(user)).sessionsEnded, 1);
    }
  });

  it('checks its arguments before it changes anything', async (t) => {
    const auth = open(t, { sessions: { limit: () => 3 } });
    const user = unique();
    /** @type {any[]} */
    const bad = [
      {},
      { limit: -1 },
      { limit: 1, onLimit: 'x' },
      { limit: 1, requestId: '' },
      { limit: 1, requestId: 7 },
      { limit: 1, sessionId: '' },
      { limit: 1, sessionId: 'a\nb' },
      { limit: 1, claims: [] },
      { limit: 1, claims: { sub: 'x' } },
      { limit: 1, claims: { lgs: 1 } },
      { limit: 1, claims: { sid: 'x' } },
      { limit: 1, claims: { scope: 'x' } },
      { limit: 1, claims: { a: 'x'.repeat(8192) } },
      { limit: 1, scope: '' },
      { limit: 1, device: { a: 1 } },
      { limit: 1, ttl: '1h' },
      { limit: 1, userId: user },
      null,
    ];
    for (const options of bad) {
      const said = JSON.stringify(options)?.slice(0, 60);
      await assert.rejects(auth.tokens.login(user, options), fault('INPUT'), said);
    }
    for (const id of ['', 7, undefined, 'x'.repeat(513), 'a\u0000'])
      await assert.rejects(auth.tokens.login(/** @type {any} */ (id), { limit: 1 }), fault('INPUT'));
    assert.deepEqual(await ids(auth, user), []);
    const keyless = open(t, { jwt: {} });
    await assert.rejects(keyless.tokens.login(user), fault('CONFIG', /sign/));
    await assert.rejects(keyless.tokens.refresh('x'), fault('CONFIG', /sign/));
    await auth.close();
    await assert.rejects(auth.tokens.login(user, { limit: 1 }), fault('CLOSED'));
  });
});

describe('refresh()', () => {
  it('returns the same successor for concurrent and repeated calls, and one token is live', async (t) => {
    const store = newStore();
    const [auth, other] = [open(t, { store }), open(t, { store })];
    const { refreshToken } = await login(auth, unique());
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, n) => refresh(n % 2 ? auth : other, refreshToken)),
    );
    const tokens = new Set(answers.map((answer) => answer.refreshToken));
    assert.equal(tokens.size, 1);
    assert.equal(new Set(answers.map((answer) => answer.accessToken)).size, 20);
    const [second] = tokens;
    const third = (await refresh(other, second)).refreshToken;
    const fourth = (await refresh(auth, third)).refreshToken;
    assert.equal(new Set([refreshToken, second, third, fourth]).size, 4);
    // Each used token leads to the live token of its family.
    for (const token of [refreshToken, second, third])
      for (const each of [auth, other]) assert.equal((await refresh(each, token)).refreshToken, fourth);
  });

  it('keeps the claims and the scope of the login, and accepts other claims for one access token', async (t) => {
    const auth = open(t);
    const login1 = await login(auth, unique(), { claims: { role: 'a' }, scope: 'read' });
    const other = await refresh(auth, login1.refreshToken, { claims: { role: 'b' }, scope: ['x', 'y'] });
    const scoped = await refresh(auth, other.refreshToken, { scope: 'z' });
    const last = await refresh(auth, scoped.refreshToken);
    const said = [other, scoped, last].map(({ accessToken }) => claimsOf(accessToken));
    assert.deepEqual(
      said.map(({ role, scope, lgs, sid }) => [role, scope, lgs, sid]),
      [
        ['b', 'x y'],
        ['a', 'z'],
        ['a', 'read'],
      ].map((pair) => [...pair, 1, login1.admission.session.sessionId]),
    );
    assert.equal(last.expiresAt, said[2].exp * 1000);
  });

  it('needs the required claims, from the login or from its own options', async (t) => {
    const requiredClaims = ['role', 'scope'];
    const auth = open(t, { jwt: { secret: SECRET, requiredClaims } });
    const user = unique();
    await assert.rejects(auth.tokens.login(user), fault('INPUT', /requiredClaims/));
    await assert.rejects(auth.tokens.login(user, { claims: { role: 'a' } }), fault('INPUT'));
    assert.deepEqual(await ids(auth, user), []);
    const first = await login(auth, user, { claims: { role: 'a' }, scope: 'read' });
    await assert.rejects(
      auth.tokens.refresh(first.refreshToken, { claims: { other: 1 } }),
      fault('INPUT', /requiredClaims/),
    );
    const second = await refresh(auth, first.refreshToken, { scope: 'write' });
    const third = await refresh(auth, second.refreshToken, { claims: { role: 'b' } });
    for (const { accessToken } of [first, second, third, await refresh(auth, third.refreshToken)])
      assert.ok(await passes(auth, accessToken));
  });

  it('answers invalid to any text that is not a refresh token of this Auth', async (t) => {
    const auth = open(t);
    const { refreshToken, accessToken } = await login(auth, unique());
    const [bucket, family, secret] = refreshToken.split('.');
    const forged = createHmac('sha256', refreshToken).digest('base64url');
    const texts = [
      '',
      ' ',
      'x',
      accessToken,
      refreshToken.slice(1),
      `${refreshToken}A`,
      ` ${refreshToken}`,
      `${refreshToken}=`,
      [bucket, family, forged].join('.'),
      [bucket, secret.slice(0, 22), secret].join('.'),
      ['0000', family, secret].join('.'),
      ['ffff', family, secret].join('.'),
      `${bucket}.${family}.${secret}.`,
      `${bucket}.${family}`,
      refreshToken.replaceAll('.', '-'),
      '\u{1F600}'.repeat(20),
      '\ud800'.repeat(71),
      'x'.repeat(1 << 20),
    ];
    for (const text of texts) assert.equal(await why(auth, text), 'invalid', text.slice(0, 80));
    for (const text of texts) assert.equal(await auth.tokens.logout(text === accessToken ? '' : text), false);
    await refresh(auth, refreshToken);
  });

  it('checks its arguments before it changes anything', async (t) => {
    const auth = open(t);
    const { refreshToken } = await login(auth, unique());
    /** @type {any[]} */
    const bad = [
      null,
      { claims: 1 },
      { claims: { gen: 1 } },
      { claims: { scope: 'a' } },
      { claims: { a: 'x'.repeat(8192) } },
      { scope: 'a  b' },
      { ttl: '1h' },
    ];
    for (const options of bad)
      await assert.rejects(auth.tokens.refresh(refreshToken, options), fault('INPUT'));
    for (const token of [undefined, null, 7, {}, Buffer.from(refreshToken)])
      await assert.rejects(auth.tokens.refresh(/** @type {any} */ (token)), fault('INPUT'));
    await refresh(auth, refreshToken);
    // A token can be used once. If an invalid call had used the token, this call would be a replay.
    assert.equal(await why(auth, refreshToken), 'ok');
  });

  it('is revoked by any call that ends the session', async (t) => {
    const auth = open(t);
    /** @type {Array<(user: string, sid: string) => Promise<unknown>>} */
    const endings = [
      (user, sid) => auth.sessions.end(user, sid),
      (user) => auth.sessions.endAll(user),
      (user) => auth.tokens.revokeUser(user),
      (user) => auth.tokens.blockUser(user),
      (user) => auth.sessions.admit(user, { limit: 1, onLimit: 'evict-oldest' }),
      (user) => auth.tokens.login(user, { limit: 1, onLimit: 'evict-oldest' }),
    ];
    for (const finish of endings) {
      const user = unique();
      const { refreshToken, accessToken, admission } = await login(auth, user);
      const next = await refresh(auth, refreshToken);
      await finish(user, admission.session.sessionId);
      for (const token of [refreshToken, next.refreshToken]) assert.equal(await why(auth, token), 'revoked');
      for (const token of [accessToken, next.accessToken]) assert.ok(!(await passes(auth, token)));
    }
  });
});
