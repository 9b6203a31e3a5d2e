// The effect of time on refresh tokens, to the millisecond, and the data of refresh tokens in the embedded store.
'use strict';

const assert = require('node:assert/strict');
const { after, beforeEach, describe, it } = require('node:test');
const { newStore, open, unique } = require('./support/auths.js');
const { DAY, HOUR, MINUTE, SECOND, START, backdoor, clock } = require('./support/lab.js');
const { ids, login, passes, refresh, why } = require('./support/logins.js');

beforeEach(() => clock.set(START));
after(() => clock.release());

const SESSIONS = { idleTimeout: '30m', absoluteTimeout: '12h' };

/** @param {import('node:test').TestContext} t @param {import('latchgate').AuthOptions} [options] */
function opened(t, options = {}) {
  const store = newStore('memory:');
  return { auth: open(t, { store, sessions: SESSIONS, ...options }), user: unique(), store };
}

describe('a refresh token', () => {
  it('returns its successor until the last millisecond of the grace window, and then ends the session', async (t) => {
    const { auth, user } = opened(t);
    /** @type {any[]} */
    const events = [];
    auth.on('revoked', (event) => events.push(event));
    const { refreshToken, accessToken, admission } = await login(auth, user);
    const second = await refresh(auth, refreshToken);
    clock.advance(10 * SECOND - 1);
    assert.equal((await refresh(auth, refreshToken)).refreshToken, second.refreshToken);
    assert.deepEqual(events, []);
    clock.advance(1);
    assert.equal(await why(auth, refreshToken), 'reused');
    const { sessionId } = admission.session;
    assert.deepEqual(events, [
      { type: 'revoked', kind: 'session', reason: 'reused', userId: user, sessionId },
    ]);
    for (const token of [accessToken, second.accessToken]) assert.ok(!(await passes(auth, token)));
    for (const token of [refreshToken, second.refreshToken]) assert.equal(await why(auth, token), 'revoked');
    assert.deepEqual(await ids(auth, user), []);
  });

  it('expires at the end of its ttl or of its session', async (t) => {
    const { auth, user } = opened(t, { refresh: { ttl: '20m' } });
    const first = await login(auth, user);
    assert.equal(first.refreshExpiresAt, START + 20 * MINUTE);
    clock.advance(20 * MINUTE - 1);
    const second = await refresh(auth, first.refreshToken);
    assert.equal(second.refreshExpiresAt, START + 40 * MINUTE - 1);
    clock.advance(20 * MINUTE);
    assert.equal(await why(auth, second.refreshToken), 'expired');
    assert.equal((await ids(auth, user)).length, 1);
    const [third, fourth] = [await login(auth, user), await login(auth, user)];
    assert.ok(await auth.tokens.logout(fourth.refreshToken));
    clock.advance(30 * MINUTE);
    assert.equal(await why(auth, third.refreshToken), 'expired', 'its session was idle');
    assert.equal(await why(auth, fourth.refreshToken), 'revoked', 'its session was ended');
  });

  it('keeps its session alive up to its absolute timeout', async (t) => {
    const { auth, user } = opened(t);
    let token = (await login(auth, user)).refreshToken;
    for (let n = 0; n < 24; n++) {
      clock.advance(29 * MINUTE);
      const next = await refresh(auth, token);
      assert.equal(next.refreshExpiresAt, START + 12 * HOUR);
      token = next.refreshToken;
    }
    clock.set(START + 12 * HOUR - 1);
    token = (await refresh(auth, token)).refreshToken;
    clock.advance(1);
    assert.equal(await why(auth, token), 'expired');
  });
});

it('a login in the same microsecond as revokeUser() works, and no earlier login stays valid', async (t) => {
  const { auth, user } = opened(t);
  const older = [];
  for (let round = 0; round < 50; round++) {
    const now = await login(auth, user);
    older.push(now);
    assert.ok(await passes(auth, now.accessToken));
    assert.equal((await auth.tokens.revokeUser(user)).sessionsEnded, 1);
    for (const { accessToken, refreshToken } of older) {
      assert.ok(!(await passes(auth, accessToken)));
      assert.equal(await why(auth, refreshToken), 'revoked');
    }
  }
  // Setting back the clock revives no token.
  clock.advance(-HOUR);
  assert.ok(await passes(auth, (await login(auth, user)).accessToken));
  for (const { accessToken, refreshToken } of older) {
    assert.ok(!(await passes(auth, accessToken)));
    assert.notEqual(await why(auth, refreshToken), 'ok');
  }
});

it('a refused call changes nothing', async (t) => {
  const { auth, user, store } = opened(t, { sessions: { ...SESSIONS, limit: 1 } });
  const { refreshToken, admission } = await login(auth, user, { requestId: 'r' });
  const { dump } = backdoor(store);
  const before = dump();
  const [bucket, family, secret] = refreshToken.split('.');
  const other = secret.startsWith('A') ? 'B' : 'A';
  clock.advance(SECOND);
  for (const token of [
    '',
    [bucket, family, other + secret.slice(1)].join('.'),
    [bucket, secret.slice(0, 21), 'A', secret].join('.'),
  ])
    assert.equal(await why(auth, token), 'invalid');
  assert.equal((await auth.tokens.login(user)).ok, false);
  const { sessionId } = admission.session;
  await assert.rejects(auth.tokens.login(user, { sessionId }), { code: 'ERR_LATCHGATE_INPUT' });
  assert.equal((await auth.tokens.login(unique(), { limit: 0 })).ok, false);
  assert.equal(dump(), before);
});

it('the store contains no token, and is empty in the end', async (t) => {
  const { auth, user, store } = opened(t);
  const { dump, sweep } = backdoor(store);
  const tokens = [(await login(auth, user, { requestId: 'my request' })).refreshToken];
  for (let n = 0; n < 3; n++) tokens.push((await refresh(auth, tokens[n])).refreshToken);
  const held = dump();
  assert.ok(held.includes(user));
  assert.ok(!held.includes('my request'));
  for (const token of tokens) {
    const secret = token.split('.')[2];
    assert.ok(!held.includes(secret));
    assert.ok(
      !held.includes([...Buffer.from(secret, 'base64url')].join(', ')),
      'the dump contains no bytes of the secret',
    );
  }
  clock.advance(10 * SECOND);
  await refresh(auth, tokens[3]);
  clock.advance(3 * DAY);
  for (let n = 0; n < 1024; n++) sweep();
  assert.equal(dump(), '');
});
