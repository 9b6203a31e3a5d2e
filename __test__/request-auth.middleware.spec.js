// The content of req.auth, and secrets that it never shows. Also authenticate(), which returns the same without
// Express.
'use strict';

const assert = require('node:assert/strict');
const { createHash } = require('node:crypto');
const { describe, it } = require('node:test');
const util = require('node:util');
const { serve } = require('./support/app.js');
const { fault, open, unique } = require('./support/auths.js');
const { get } = require('./support/http.js');
const { SECRET, fresh, sign, token } = require('./support/jwt.js');

/**
 * Returns the RequestAuth that a middleware creates for a token.
 * @param {import('node:test').TestContext} t
 * @param {string} text
 * @param {import('latchgate').AuthOptions} [options]
 * @returns {Promise<import('latchgate').RequestAuth>}
 */
async function authOf(t, text, options) {
  const auth = open(t, options);
  /** @type {any} */
  let seen;
  const port = await serve(t, (app) => {
    app.use(auth.middleware());
    app.get('/', (req, res) => {
      seen = req.auth;
      res.end();
    });
  });
  assert.equal((await get(port, '/', text)).status, 200);
  return seen;
}

describe('req.auth', () => {
  it('contains user, token id, scopes and claims of the token', async (t) => {
    const claims = fresh({ sub: 'mia', sid: 's1', jti: 'j1', scope: 'a b', deep: { list: [{ x: 1 }] } });
    const auth = await authOf(t, sign(claims));
    assert.equal(auth.userId, 'mia');
    assert.equal(auth.sessionId, 's1');
    assert.equal(auth.tokenId, 'j1');
    assert.deepEqual(auth.scopes, ['a', 'b']);
    assert.deepEqual(auth.claims, claims);
    assert.equal(auth.degraded, false);
    assert.equal(auth.session, undefined);
    assert.equal(auth.quota, undefined);
    assert.equal(auth.apiKey, undefined);
    assert.equal(auth.observed, undefined);
    assert.equal(auth.done(), undefined);
  });

  it('is deeply frozen', async (t) => {
    const auth = await authOf(t, token({ scope: 'a', deep: { list: [{ x: 1 }] } }));
    /** @type {any} */
    const { claims, scopes } = auth;
    assert.throws(() => (claims.sub = 'eve'), TypeError);
    assert.throws(() => (claims.deep.list[0].x = 2), TypeError);
    assert.throws(() => claims.deep.list.push(1), TypeError);
    assert.throws(() => scopes.push('admin'), TypeError);
    assert.throws(() => Object.assign(auth, { userId: 'eve' }), TypeError);
    assert.equal(auth.claims, auth.claims, 'claims are parsed once');
  });

  it('without a session claim names the session after the token', async (t) => {
    const sessions = { admission: /** @type {const} */ ('first-use') };
    const named = await authOf(t, token({ jti: 'j2' }), { sessions });
    assert.equal(named.sessionId, 'j2');
    const text = sign({ ...fresh(), jti: undefined });
    const nameless = await authOf(t, text, { sessions });
    const input = text.slice(0, text.lastIndexOf('.'));
    assert.equal(nameless.tokenId, undefined);
    assert.equal(nameless.sessionId, createHash('sha256').update(input).digest('base64url'));
  });

  it('reads user and session from the configured claims', async (t) => {
    const jwt = { secret: SECRET, claims: { userId: 'uid', sessionId: 'tab' } };
    const auth = await authOf(t, token({ uid: 'mia', tab: 't1', sid: 'other' }), { jwt });
    assert.equal(auth.userId, 'mia');
    assert.equal(auth.sessionId, 't1');
  });

  it('contains the session if sessions are checked', async (t) => {
    const sessions = { limit: 5, admission: /** @type {const} */ ('first-use') };
    const before = Date.now();
    const { session } = await authOf(t, token({ sub: unique(), sid: 's' }), { sessions });
    assert.ok(session !== undefined);
    assert.equal(session.active, 1);
    assert.equal(session.limit, 5);
    assert.ok(session.createdAt >= before && session.createdAt <= Date.now());
    assert.equal(session.lastActiveAt, session.createdAt);
    assert.equal(session.previousActiveAt, session.createdAt);
    const unlimited = await authOf(t, token({ sub: unique(), sid: 's' }), {
      sessions: { admission: 'first-use' },
    });
    assert.equal(unlimited.session?.limit, undefined);
    assert.equal(Object.hasOwn(unlimited.session ?? {}, 'limit'), false);
  });

  it('has no prototype from a claim', async (t) => {
    const text = sign(JSON.parse(JSON.stringify(fresh()).replace('{', '{"__proto__":{"admin":true},')));
    const raw = JSON.stringify(fresh()).replace('{', '{"__proto__":{"admin":true},"constructor":"x",');
    const header = Buffer.from('{"alg":"HS256"}').toString('base64url');
    const input = `${header}.${Buffer.from(raw).toString('base64url')}`;
    const mac = require('node:crypto').createHmac('sha256', SECRET).update(input).digest('base64url');
    for (const each of [text, `${input}.${mac}`]) {
      const auth = await authOf(t, each);
      assert.equal(/** @type {any} */ (auth.claims).admin, undefined);
      assert.equal(/** @type {any} */ ({}).admin, undefined);
    }
  });

  it('never shows the token, in any way of printing', async (t) => {
    const text = token({ sub: 'mia', deep: { list: [1] } });
    const auth = await authOf(t, text);
    const [header, payload, signature] = text.split('.');
    const views = [
      util.inspect(auth),
      util.inspect(auth, { depth: Number.POSITIVE_INFINITY, showHidden: true }),
      util.inspect({ req: { auth } }, { depth: 10 }),
      util.format('%o %O %s %j', auth, auth, auth, auth),
      JSON.stringify(auth),
      JSON.stringify({ ...auth }),
      String(auth),
      Object.entries(auth).join(),
    ];
    for (const view of views) {
      for (const part of [payload, signature, `${header}.`]) assert.ok(!view.includes(part), view);
    }
    assert.match(views[0], /mia/);
    assert.equal(JSON.parse(views[4]).userId, 'mia');
  });
});

describe('authenticate()', () => {
  it('resolves with the RequestAuth of a valid token', async (t) => {
    const auth = open(t, { sessions: { limit: 1, admission: 'first-use' } });
    const sub = unique();
    const answer = await auth.authenticate({ token: token({ sub, sid: 's' }) });
    assert.ok(answer.ok);
    assert.equal(answer.auth.userId, sub);
    assert.equal(answer.auth.session?.active, 1);
    answer.auth.done();
  });

  it('resolves with the same denial that the middleware sends', async (t) => {
    const auth = open(t, { sessions: { limit: 1, admission: 'first-use' } });
    const sub = unique();
    await auth.authenticate({ token: token({ sub, sid: 'a' }) });
    const challenge = (/** @type {string} */ rest) => ({
      'Cache-Control': 'no-store',
      'WWW-Authenticate': `Bearer realm="api"${rest}`,
    });
    const none = {
      ok: false,
      code: 'credentials_required',
      status: 401,
      reason: 'credentials_required',
      headers: challenge(''),
    };
    assert.deepEqual(await auth.authenticate({}), none);
    assert.deepEqual(await auth.authenticate({ token: undefined }), none);
    assert.deepEqual(await auth.authenticate({ token: '' }), none);
    assert.deepEqual(await auth.authenticate({ token: 'x' }), {
      ok: false,
      code: 'invalid_token',
      status: 401,
      reason: 'token_malformed',
      headers: challenge(', error="invalid_token"'),
    });
    assert.deepEqual(await auth.authenticate({ token: token({ sub, sid: 'b' }) }), {
      ok: false,
      code: 'session_limit',
      status: 403,
      reason: 'session_limit',
      headers: { 'Cache-Control': 'no-store' },
    });
    assert.deepEqual(await auth.authenticate({ token: token({ sub, sid: 'a' }) }, { scope: 'write' }), {
      ok: false,
      code: 'insufficient_scope',
      status: 403,
      reason: 'scope_missing',
      headers: challenge(', error="insufficient_scope", scope="write"'),
    });
  });

  it('accepts a bare token, and not a header', async (t) => {
    const auth = open(t);
    assert.equal((await auth.authenticate({ token: `Bearer ${token()}` })).ok, false);
  });

  it('passes context to the limit function in place of the request', async (t) => {
    const limit = (/** @type {unknown} */ _claims, /** @type {any} */ context) => context.limit;
    const auth = open(t, { sessions: { limit, admission: 'first-use' } });
    const sub = unique();
    const refused = await auth.authenticate({ token: token({ sub, sid: 's' }), context: { limit: 0 } });
    assert.equal(refused.ok, false);
    const answer = await auth.authenticate({ token: token({ sub, sid: 's' }), context: { limit: 7 } });
    assert.ok(answer.ok);
    assert.equal(answer.auth.session?.limit, 7);
  });

  it('rejects an invalid credential, and every call after close()', async (t) => {
    const auth = open(t);
    /** @type {any} */
    const any = auth;
    for (const wrong of [undefined, null, 'token', { token: 7 }, { token: {} }, { tokn: 'x' }]) {
      await assert.rejects(any.authenticate(wrong), fault('INPUT'), JSON.stringify(wrong));
    }
    await assert.rejects(any.authenticate({ token: token() }, { scopes: 'x' }), fault('CONFIG'));
    await assert.rejects(any.authenticate({ apiKey: 7 }), fault('INPUT'));
    await auth.close();
    await assert.rejects(auth.authenticate({ token: token() }), fault('CLOSED'));
  });
});
