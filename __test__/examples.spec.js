// The programs in examples/. Each test starts a program as its README says, and acts as its users.
'use strict';

const assert = require('node:assert/strict');
const { once } = require('node:events');
const { describe, it } = require('node:test');
const { SECRET, call, startExample } = require('./support/examples.js');
const { sign, token } = require('./support/jwt.js');
const { until } = require('./support/started.js');

const own = (/** @type {object} */ claims) => token(claims, { key: SECRET });
const post = { method: 'POST' };

describe('examples/minimal', () => {
  const env = { LATCHGATE_JWT_SECRET: SECRET, LATCHGATE_SESSION_LIMIT: '2' };

  it('admits two sessions, and a third after one of them ends', async (t) => {
    const { url } = await startExample(t, 'minimal/app.js', env);
    const me = (/** @type {string} */ sid) => call(`${url}/me`, { token: own({ sub: 'ada', sid }) });
    const answers = await Promise.all(['a', 'b', 'c', 'd', 'e'].map(me));
    const [in1, in2, ...more] = answers.filter(({ status }) => status === 200);
    assert.deepEqual(more, []);
    assert.equal(in2.body.userId, 'ada');
    for (const { status, body } of answers.filter((each) => each.status !== 200))
      assert.deepEqual([status, body], [403, { error: 'session_limit' }]);
    const left = await call(`${url}/logout`, {
      ...post,
      token: own({ sub: 'ada', sid: in1.body.sessionId }),
    });
    assert.equal(left.status, 204);
    assert.equal((await me(in1.body.sessionId)).status, 401);
    assert.equal((await me('f')).status, 200);
  });

  // Windows ends a process without a signal handler.
  if (process.platform !== 'win32') {
    it('exits on SIGTERM without further help', async (t) => {
      const { child, url } = await startExample(t, 'minimal/app.js', env);
      await fetch(`${url}/me`, { headers: { connection: 'close' } });
      child.kill('SIGTERM');
      assert.deepEqual(await once(child, 'exit'), [0, null]);
    });
  }
});

describe('examples/login', () => {
  /** @param {import('node:test').TestContext} t */
  async function site(t) {
    const ada = { user: 'ada', password: 'analytical' };
    const { url } = await startExample(t, 'login/server.js', { DEMO_PASSWORD: ada.password });
    const login = (more = {}) => call(`${url}/login`, { body: { ...ada, ...more } });
    const me = (/** @type {string} */ token) => call(`${url}/me`, { token });
    const refresh = (/** @type {string} */ refreshToken) =>
      call(`${url}/refresh`, { body: { refreshToken } });
    return { url, login, me, refresh };
  }

  it('keeps three sessions of users who know the password, and lists them', async (t) => {
    const { login, me, url } = await site(t);
    const refused = await login({ password: 'guessed' });
    assert.deepEqual([refused.status, refused.body], [401, { error: 'wrong_credentials' }]);
    const first = await login();
    const then = Date.now();
    await until('the other sessions are active later', () => Date.now() > then + 1);
    const later = [await login(), await login(), await login()];
    assert.equal(first.headers.get('cache-control'), 'no-store');
    assert.equal((await me(first.body.accessToken)).status, 401, 'the session was evicted');
    for (const { body } of later) assert.equal((await me(body.accessToken)).body.user, 'ada');
    const [{ body: own }, { body: other }] = later;
    const listed = (await call(`${url}/sessions`, { token: own.accessToken })).body;
    assert.deepEqual(
      [listed.length, listed.filter((/** @type {any} */ each) => each.current).length],
      [3, 1],
    );
    const theirs = (await call(`${url}/sessions`, { token: other.accessToken })).body;
    const { sessionId } = theirs.find((/** @type {any} */ each) => each.current);
    const ended = await call(`${url}/sessions/${sessionId}`, { method: 'DELETE', token: own.accessToken });
    assert.equal(ended.status, 204);
    assert.equal((await me(other.accessToken)).status, 401);
    assert.equal((await me(own.accessToken)).body.active, 2);
  });

  it('answers an unknown name like a wrong password, and an invalid name or password with 400', async (t) => {
    const { login, refresh, url } = await site(t);
    for (const wrong of [{ user: 'eve' }, { user: 'toString' }, { password: 'x' }]) {
      const { status, body } = await login(wrong);
      assert.deepEqual([status, body], [401, { error: 'wrong_credentials' }]);
    }
    for (const value of [null, 7, '', ['ada'], { toString: 1 }, '\ud800', 'x'.repeat(600)])
      for (const name of ['user', 'password', 'requestId'])
        assert.equal((await login({ [name]: value })).status, 400, `${name} ${JSON.stringify(value)}`);
    for (const value of [null, 7, '', ['x'], { toString: 1 }, 'x'.repeat(5000)]) {
      const { status, body } = await refresh(/** @type {any} */ (value));
      assert.deepEqual([status, body], [400, { error: 'invalid_grant' }]);
    }
    for (const value of [undefined, null, 7, { toString: 1 }])
      assert.equal((await call(`${url}/logout`, { body: { refreshToken: value } })).status, 400);
    const { accessToken } = (await login()).body;
    const gone = await call(`${url}/sessions/${'x'.repeat(600)}`, { method: 'DELETE', token: accessToken });
    assert.equal(gone.status, 404);
  });

  it('allows ten attempts per address or name in a minute, regardless of concurrent requests', async (t) => {
    const { login } = await site(t);
    const guesses = Array.from({ length: 20 }, (_, n) => login({ password: `guess ${n}` }));
    const statuses = (await Promise.all(guesses)).map(({ status }) => status).sort();
    assert.deepEqual(statuses, [...Array(10).fill(401), ...Array(10).fill(429)]);
    const right = await login();
    assert.equal(right.status, 429, 'even the right password is not checked');
    assert.ok(right.headers.get('retry-after'));
  });

  it('has no user with a password from its source text', async (t) => {
    const { url } = await startExample(t, 'login/server.js');
    const body = { user: 'ada', password: 'analytical' };
    assert.equal((await call(`${url}/login`, { body })).status, 401);
  });

  it('uses one slot for a login that is repeated with the same requestId', async (t) => {
    const { login, me } = await site(t);
    const again = await Promise.all(Array.from({ length: 6 }, () => login({ requestId: 'attempt-1' })));
    for (const { status, body } of again)
      assert.deepEqual([status, (await me(body.accessToken)).body.active], [200, 1]);
    const other = await login({ requestId: 'attempt-2' });
    assert.equal((await me(other.body.accessToken)).body.active, 2);
  });

  it('gives all concurrent callers of one refresh token the same successor', async (t) => {
    const { login, me, refresh } = await site(t);
    const { body } = await login();
    const answers = await Promise.all(Array.from({ length: 6 }, () => refresh(body.refreshToken)));
    assert.equal(new Set(answers.map((each) => each.body.refreshToken)).size, 1);
    assert.notEqual(answers[0].body.refreshToken, body.refreshToken);
    for (const each of answers) assert.equal((await me(each.body.accessToken)).status, 200);
    const bad = await refresh('nonsense');
    assert.deepEqual([bad.status, bad.body], [400, { error: 'invalid_grant' }]);
  });

  it('ends one session by either of its tokens, and all sessions together', async (t) => {
    const { login, me, refresh, url } = await site(t);
    const by = [
      (/** @type {any} */ { accessToken }) => call(`${url}/logout`, { ...post, token: accessToken }),
      (/** @type {any} */ { refreshToken }) => call(`${url}/logout`, { body: { refreshToken } }),
      (/** @type {any} */ { accessToken }) =>
        call(`${url}/logout-everywhere`, { ...post, token: accessToken }),
    ];
    for (const leave of by) {
      const { body } = await login();
      assert.equal((await me(body.accessToken)).status, 200);
      assert.ok((await leave(body)).status < 300);
      assert.equal((await me(body.accessToken)).status, 401);
      assert.equal((await refresh(body.refreshToken)).status, 400);
    }
  });
});

describe('examples/from-express-jwt', () => {
  const ROLE = { sub: 'ada', role: 'clerk' };
  const ENDLESS = sign(ROLE, { key: SECRET });
  const STEPS = ['before', 'step-1-watch', 'step-2-both', 'step-3-alone'];

  for (const step of STEPS) {
    it(`${step}: answers a user and refuses an invalid token, as before`, async (t) => {
      const { url } = await startExample(t, `from-express-jwt/${step}.js`);
      const { status, body } = await call(`${url}/me`, { token: own(ROLE) });
      assert.deepEqual([status, body], [200, { user: 'ada', role: 'clerk' }]);
      for (const bad of [undefined, token(ROLE)]) {
        const answer = await call(`${url}/me`, { token: bad });
        assert.deepEqual([answer.status, answer.body], [401, { message: 'please log in' }]);
      }
    });
  }

  it('step 1 allows a token without exp and reports it; step 2 denies the token', async (t) => {
    const first = await startExample(t, 'from-express-jwt/step-1-watch.js');
    assert.equal((await call(`${first.url}/me`, { token: ENDLESS })).status, 200);
    await until('the report appears', () => first.printed.errors.includes('would be refused: token_claims'));
    const second = await startExample(t, 'from-express-jwt/step-2-both.js');
    assert.equal((await call(`${second.url}/me`, { token: ENDLESS })).status, 401);
  });

  for (const step of STEPS.slice(2)) {
    it(`${step}: revokes all tokens of a user`, async (t) => {
      const { url } = await startExample(t, `from-express-jwt/${step}.js`);
      const tokens = [own(ROLE), own(ROLE)];
      assert.equal((await call(`${url}/logout-everywhere`, { ...post, token: tokens[0] })).status, 204);
      for (const each of tokens) assert.equal((await call(`${url}/me`, { token: each })).status, 401);
    });
  }

  it('step 3 limits sessions', async (t) => {
    const { url } = await startExample(t, 'from-express-jwt/step-3-alone.js');
    const me = (/** @type {number} */ n) => call(`${url}/me`, { token: own({ ...ROLE, sid: `${n}` }) });
    const answers = await Promise.all([1, 2, 3, 4].map(me));
    assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 200, 403, 403]);
  });
});
