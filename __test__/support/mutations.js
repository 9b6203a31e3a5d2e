// Every call that changes something, for tests that lose its reply: how its subject is prepared, the call, and what must be there
// once it ran once.
'use strict';

const assert = require('node:assert/strict');
const { unique } = require('./auths.js');
const { status } = require('./faulty.js');
const { fresh, sign } = require('./jwt.js');
const { ids, login, refresh } = require('./logins.js');

/** @typedef {import('latchgate').Auth} Auth */
/** @typedef {{ user: string, text: string, jti: string, receipt?: string, key?: string, keyId?: string }} Subject */

const RULE = { limit: 10, window: '1h' };
/** One question, and no second one where it is not answered. */
const ASKED_ONCE = { fair: false, retries: 1, ttl: '1h', maxHold: '1h' };

/**
 * prepare: `auth` is the one that makes the call, for what it must have met before; also: how many scripts it has run on top,
 * when it hears that the reply is lost
 * @type {Array<{ name: string, prepare?: (judge: Auth, subject: Subject, auth: Auth) => Promise<any>, call: (auth: Auth, subject: Subject) => Promise<any>, also?: number, check: (judge: Auth, subject: Subject) => Promise<any> }>}
 */
const CALLS = [
  {
    name: 'sessions.admit',
    call: (auth, { user }) => auth.sessions.admit(user),
    check: async (judge, { user }) => assert.equal((await ids(judge, user)).length, 1),
  },
  {
    name: 'sessions.touch',
    prepare: async (judge, { user }) => {
      await judge.sessions.admit(user, { sessionId: 'a' });
      await judge.sessions.admit(user, { sessionId: 'b' });
    },
    call: (auth, { user }) => auth.sessions.touch(user, 'a'),
    check: async (judge, { user }) => assert.deepEqual(await ids(judge, user), ['a', 'b']),
  },
  {
    name: 'sessions.end',
    prepare: (judge, { user }) => judge.sessions.admit(user, { sessionId: 'a' }),
    call: (auth, { user }) => auth.sessions.end(user, 'a'),
    check: async (judge, { user }) => assert.equal(await judge.sessions.end(user, 'a'), false),
  },
  {
    name: 'sessions.endAll',
    prepare: (judge, { user }) => judge.sessions.admit(user, { sessionId: 'a' }),
    call: (auth, { user }) => auth.sessions.endAll(user),
    check: async (judge, { user }) => assert.deepEqual(await ids(judge, user), []),
  },
  {
    name: 'tokens.revoke',
    call: (auth, { text }) => auth.tokens.revoke(text),
    check: async (judge, { text }) => assert.equal(await judge.tokens.isRevoked(text), true),
  },
  {
    name: 'tokens.revokeId',
    call: (auth, { user, jti }) =>
      auth.tokens.revokeId({ jti, userId: user, expiresAt: Date.now() + 3_600_000 }),
    check: async (judge, { user, jti }) =>
      assert.equal(await judge.tokens.isRevoked({ jti, userId: user }), true),
  },
  {
    name: 'tokens.revokeUser',
    prepare: (judge, { user }) => judge.sessions.admit(user, { sessionId: 'a' }),
    call: (auth, { user }) => auth.tokens.revokeUser(user),
    check: async (judge, { user, text }) => {
      assert.deepEqual(await ids(judge, user), []);
      assert.equal(await status(judge, text), 401);
    },
  },
  {
    name: 'tokens.blockUser',
    call: (auth, { user }) => auth.tokens.blockUser(user),
    check: async (judge, { user, text }) => {
      assert.equal(await status(judge, text), 403);
      await judge.tokens.unblockUser(user);
    },
  },
  {
    name: 'tokens.unblockUser',
    prepare: (judge, { user }) => judge.tokens.blockUser(user),
    call: (auth, { user }) => auth.tokens.unblockUser(user),
    check: async (judge, { user }) => assert.equal(await judge.tokens.unblockUser(user), false),
  },
  {
    name: 'tokens.login',
    call: (auth, { user }) => auth.tokens.login(user, { requestId: 'r' }),
    check: async (judge, { user }) => {
      const again = await judge.tokens.login(user, { requestId: 'r' });
      assert.ok(again.ok && again.admission.existing && again.admission.active === 1);
    },
  },
  {
    name: 'tokens.logout',
    prepare: async (judge, subject) => {
      const { user } = subject;
      const login = await judge.tokens.login(user);
      assert.ok(login.ok);
      Object.assign(subject, { text: login.accessToken });
    },
    call: (auth, { text }) => auth.tokens.logout(text),
    check: async (judge, { user, text }) => {
      assert.deepEqual(await ids(judge, user), []);
      assert.equal(await status(judge, text), 401);
    },
  },
  {
    name: 'quotas.consume',
    call: (auth, { user }) => auth.quotas.consume(user, RULE, { cost: 3 }),
    check: async (judge, { user }) => assert.equal((await judge.quotas.peek(user, RULE)).remaining, 7),
  },
  {
    name: 'quotas.consume under an idempotency key, and again,',
    call: (auth, { user }) => auth.quotas.consume(user, RULE, { cost: 3, idempotencyKey: 'i' }),
    check: async (judge, { user }) => {
      const again = await judge.quotas.consume(user, RULE, { cost: 3, idempotencyKey: 'i' });
      assert.deepEqual([again.replayed, again.remaining], [true, 7]);
      assert.equal((await judge.quotas.peek(user, RULE)).remaining, 7);
    },
  },
  {
    name: 'quotas.add',
    call: (auth, { user }) => auth.quotas.add(user, { limit: 5 }, 3),
    check: async (judge, { user }) => assert.equal((await judge.quotas.peek(user, { limit: 5 })).limit, 8),
  },
  {
    name: 'quotas.refund',
    prepare: async (judge, subject) => {
      const { receipt } = await judge.quotas.consume(subject.user, RULE, { cost: 3 });
      Object.assign(subject, { receipt });
    },
    call: (auth, { receipt = '' }) => auth.quotas.refund(receipt),
    check: async (judge, { user, receipt = '' }) => {
      assert.equal(await judge.quotas.refund(receipt), false);
      assert.equal((await judge.quotas.peek(user, RULE)).remaining, 10);
    },
  },
  {
    name: 'counters.add',
    call: (auth, { user }) => auth.counters.add(user, 'c', 3, { max: 3 }),
    check: async (judge, { user }) => assert.equal(await judge.counters.get(user, 'c'), 3),
  },
  {
    name: 'counters.apply',
    call: (auth, { user }) => auth.counters.apply(user, [{ name: 'c', delta: 3 }]),
    check: async (judge, { user }) => assert.equal(await judge.counters.get(user, 'c'), 3),
  },
  {
    name: 'once',
    call: (auth, { user }) => auth.once(user, { by: 'a' }),
    check: async (judge, { user }) => {
      assert.equal(await judge.once(user, { by: 'b' }), false);
      assert.equal(await judge.once(user, { by: 'a' }), true);
    },
  },
  {
    name: 'onceRelease',
    prepare: (judge, { user }) => judge.once(user, { by: 'a' }),
    call: (auth, { user }) => auth.onceRelease(user, 'a'),
    check: async (judge, { user }) => assert.equal(await judge.once(user, { by: 'b' }), true),
  },
  {
    name: 'quotas.reset',
    prepare: (judge, { user }) => judge.quotas.consume(user, RULE),
    call: (auth, { user }) => auth.quotas.reset(user),
    check: async (judge, { user }) => assert.equal((await judge.quotas.peek(user, RULE)).remaining, 10),
  },
  {
    name: 'tokens.refresh',
    prepare: async (_judge, subject, auth) => {
      const { refreshToken } = await login(auth, subject.user);
      Object.assign(subject, { text: refreshToken });
    },
    call: (auth, { text }) => auth.tokens.refresh(text),
    check: async (judge, { user, text }) => {
      const { refreshToken } = await refresh(judge, text);
      await refresh(judge, refreshToken);
      assert.equal((await ids(judge, user)).length, 1);
    },
  },
  {
    name: 'locks.acquire',
    call: (auth, { user }) => auth.locks.acquire(user, ASKED_ONCE),
    // Whoever is not told has no turn: it is left.
    also: 1,
    check: async (judge, { user }) => {
      const lease = await judge.locks.acquire(user, { wait: 0 });
      assert.equal(await lease.release(), true);
    },
  },
  {
    name: 'apiKeys.check',
    prepare: async (_judge, subject, auth) => {
      const { key, keyId } = await auth.apiKeys.create({ ownerId: subject.user, quota: { limit: 10 } });
      Object.assign(subject, { key, keyId });
      await auth.apiKeys.check(key);
    },
    call: (auth, { key = '' }) => auth.apiKeys.check(key, { cost: 3 }),
    check: async (judge, { keyId = '' }) =>
      assert.equal((await judge.apiKeys.get(keyId))?.quota?.remaining, 6),
  },
  {
    name: 'apiKeys.revoke',
    prepare: async (_judge, subject, auth) => {
      const { key, keyId } = await auth.apiKeys.create({ ownerId: subject.user });
      Object.assign(subject, { key, keyId });
      // Where it lies is looked up by a process that has not met it.
      await auth.apiKeys.check(key);
    },
    call: (auth, { keyId = '' }) => auth.apiKeys.revoke(keyId),
    check: async (judge, { key = '' }) =>
      assert.deepEqual(await judge.apiKeys.check(key), { valid: false, code: 'revoked' }),
  },
];

/** @returns {Subject} */
function subject() {
  const claims = fresh({ sub: unique(), sid: 'own' });
  return { user: claims.sub, text: sign(claims), jti: claims.jti };
}

module.exports = { CALLS, RULE, subject };
