// auth.on(): which listeners get which events, and that a listener changes nothing.
'use strict';

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const { serve } = require('./support/app.js');
const { fault, open, unique } = require('./support/auths.js');
const { get, send } = require('./support/http.js');
const { token } = require('./support/jwt.js');

const NAMES = /** @type {const} */ (['denied', 'admitted', 'evicted', 'revoked']);

/** Collects all events from now on. @param {import('latchgate').Auth} auth */
function listen(auth) {
  /** @type {any[]} */
  const heard = [];
  for (const name of NAMES) auth.on(name, (event) => heard.push(withoutGaps(event)));
  return heard;
}

/** @param {object} event */
const withoutGaps = (event) =>
  Object.fromEntries(Object.entries(event).filter(([, value]) => value !== undefined));

describe('the event', () => {
  it("'denied' has the reason, and the owner of the credential if it is known", async (t) => {
    const auth = open(t, { sessions: { limit: 1, admission: 'first-use' } });
    const userId = unique();
    const port = await serve(t, (app) => {
      app.get('/', auth.middleware({ scope: 'read' }), auth.requireClaims({ a: 1 }), (_req, res) => {
        res.json(1);
      });
    });
    const heard = listen(auth);
    const whose = { userId, sessionId: 's' };
    const claims = { sub: userId, sid: 's' };
    const text = token({ ...claims, scope: 'read' });
    for (const sent of [undefined, 'nonsense', token({ ...claims, exp: 1 }), token(claims)])
      await get(port, '/', sent);
    await get(port, '/', text);
    await auth.tokens.revoke(text);
    await get(port, '/', text);
    assert.deepEqual(
      heard.filter(({ type }) => type === 'denied'),
      [
        { type: 'denied', code: 'credentials_required', status: 401, reason: 'credentials_required' },
        { type: 'denied', code: 'invalid_token', status: 401, reason: 'token_malformed' },
        { type: 'denied', code: 'invalid_token', status: 401, reason: 'token_expired' },
        { type: 'denied', code: 'insufficient_scope', status: 403, reason: 'scope_missing', ...whose },
        { type: 'denied', code: 'forbidden', status: 403, reason: 'claims_mismatch', ...whose },
        { type: 'denied', code: 'invalid_token', status: 401, reason: 'token_revoked', ...whose },
      ],
    );
  });

  it("'denied' has the owner of a key", async (t) => {
    const auth = open(t, { apiKeys: {} });
    const userId = unique();
    const { key, keyId } = await auth.apiKeys.create({ ownerId: userId, quota: { limit: 1 } });
    const port = await serve(t, (app) => app.get('/', auth.middleware(), (_req, res) => res.json(1)));
    const heard = listen(auth);
    for (let i = 0; i < 2; i++) await send(port, { headers: [`X-API-Key: ${key}`] });
    await auth.authenticate({ apiKey: 'lg_unknown' });
    assert.deepEqual(heard, [
      { type: 'denied', code: 'quota_exhausted', status: 429, reason: 'quota_exhausted', userId, keyId },
      { type: 'denied', code: 'invalid_api_key', status: 401, reason: 'key_unknown' },
    ]);
  });

  it("'admitted' comes once per session, from any way of admission, and 'evicted' names the evicted session", async (t) => {
    const auth = open(t, { sessions: { limit: 2, onLimit: 'evict-oldest', admission: 'first-use' } });
    const userId = unique();
    const heard = listen(auth);
    const port = await serve(t, (app) => app.get('/', auth.middleware(), (_req, res) => res.json(1)));
    const text = token({ sub: userId, sid: 'a' });
    for (let i = 0; i < 2; i++) await get(port, '/', text);
    await auth.authenticate({ token: token({ sub: userId, sid: 'b' }) });
    for (let i = 0; i < 2; i++) await auth.sessions.admit(userId, { sessionId: 'c' });
    const admitted = (/** @type {string} */ sessionId, /** @type {number} */ active) => ({
      type: 'admitted',
      userId,
      sessionId,
      active,
      limit: 2,
    });
    assert.deepEqual(heard, [
      admitted('a', 1),
      admitted('b', 2),
      { type: 'evicted', userId, sessionId: 'a' },
      admitted('c', 2),
    ]);
  });

  it("'evicted' names the sessions that a first use evicted, each exactly once", async (t) => {
    const sessions = /** @type {const} */ ({ onLimit: 'evict-oldest', admission: 'first-use' });
    const auth = open(t, { apiKeys: {}, sessions: { limit: 1, ...sessions } });
    const userId = unique();
    const port = await serve(t, (app) => {
      app.get('/', auth.middleware({ credentials: ['api-key', 'bearer'] }), (_req, res) => res.json(1));
    });
    const heard = listen(auth);
    const first = (/** @type {string} */ sid) => auth.authenticate({ token: token({ sub: userId, sid }) });
    for (const sid of ['a', 'b', 'b']) assert.ok((await first(sid)).ok);
    assert.ok(!(await first('a')).ok, 'the session has ended');
    const { key } = await auth.apiKeys.create({ ownerId: userId });
    const text = token({ sub: userId, sid: 'c' });
    await send(port, { headers: [`X-API-Key: ${key}`, `Authorization: Bearer ${text}`] });
    const evicted = () => heard.filter(({ type }) => type === 'evicted');
    const told = (/** @type {string} */ sessionId) => ({ type: 'evicted', userId, sessionId });
    assert.deepEqual(evicted(), [told('a'), told('b')]);
    // A large number of concurrent requests: more than one batch of the store returns.
    const ids = Array.from({ length: 150 }, (_, i) => `s ${i}`);
    assert.ok((await Promise.all(ids.map(first))).every(({ ok }) => ok));
    const [live] = await auth.sessions.list(userId);
    assert.deepEqual(
      evicted()
        .slice(2)
        .map(({ sessionId }) => sessionId)
        .sort(),
      ['c', ...ids].filter((id) => id !== live.sessionId).sort(),
    );
  });

  it("'revoked' names what was revoked, at the time of the revocation", async (t) => {
    const auth = open(t, { apiKeys: {} });
    const userId = unique();
    const { keyId } = await auth.apiKeys.create({ ownerId: userId });
    const text = token({ sub: userId, jti: 'one' });
    const heard = listen(auth);
    assert.equal(await auth.tokens.revoke(text), true);
    assert.equal(await auth.tokens.revoke('nonsense'), false);
    await auth.tokens.revokeId({ jti: 'two', userId, expiresAt: Date.now() + 60_000 });
    await auth.tokens.revokeUser(userId);
    await auth.tokens.blockUser(userId);
    await auth.apiKeys.revoke(keyId);
    assert.deepEqual(heard, [
      { type: 'revoked', kind: 'token', userId, tokenId: 'one' },
      { type: 'revoked', kind: 'token', userId, tokenId: 'two' },
      { type: 'revoked', kind: 'user', userId },
      { type: 'revoked', kind: 'block', userId },
      { type: 'revoked', kind: 'api_key', keyId },
    ]);
  });
});

describe('a listener', () => {
  it('changes no response and no event, even if it throws', async (t) => {
    const auth = open(t);
    /** @type {any[]} */
    const heard = [];
    /** @type {string[]} */
    const warned = [];
    const warn = (/** @type {any} */ warning) => warned.push(warning.code);
    process.on('warning', warn);
    t.after(() => process.off('warning', warn));
    auth.on('denied', (/** @type {any} */ event) => {
      event.reason = 'mine';
    });
    auth.on('denied', async () => assert.fail('later'));
    auth.on('denied', (event) => heard.push(event));
    const port = await serve(t, (app) => app.get('/', auth.middleware(), (_req, res) => res.json(1)));
    assert.equal((await get(port, '/')).status, 401);
    assert.equal(heard[0].reason, 'credentials_required');
    await new Promise(setImmediate);
    assert.deepEqual(new Set(warned), new Set(['LATCHGATE_LISTENER']));
  });

  it('gets no event after off(), and unknown event names are refused', async (t) => {
    const auth = open(t);
    let heard = 0;
    const listener = () => heard++;
    auth.on('denied', listener).on('lock-lost', listener);
    await auth.authenticate({});
    auth.off('denied', listener);
    await auth.authenticate({});
    assert.equal(heard, 1);
    for (const call of ['on', 'off'])
      assert.throws(() => /** @type {any} */ (auth)[call]('toString', listener), fault('CONFIG', /denied/));
    assert.throws(() => auth.on('denied', /** @type {any} */ ('no function')), fault('INPUT', /listener/));
  });
});
