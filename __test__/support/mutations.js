// Every call that changes something in a store, for tests that let it fail half way: how its subject is prepared, the call, and
// what must be there once it ran once.
'use strict';

const assert = require('node:assert/strict');
const { fault, unique } = require('./auths.js');
const { status } = require('./faulty.js');
const { fresh, sign } = require('./jwt.js');

/** @typedef {import('latchgate').Auth} Auth */
/**
 * @typedef {object} Subject
 * @property {string} user
 * @property {string} text a token
 * @property {string} jti
 * @property {string} receipt what was prepared, as the next ones are
 * @property {string} refreshToken
 * @property {string} key
 * @property {string} keyId
 *
 * @typedef {object} Call
 * @property {string} name
 * @property {(judge: Auth, subject: Subject, auth: Auth) => Promise<any>} [prepare]
 * @property {(auth: Auth, subject: Subject) => Promise<any>} call
 * @property {number} [also] how many scripts run on top, when the caller hears that the reply is lost
 * @property {(judge: Auth, subject: Subject) => Promise<any>} check
 */

const RULE = { limit: 10, window: '1h' };
const BUCKET = { limit: 10, window: '30d', algorithm: /** @type {const} */ ('bucket') };
const HOUR = 3_600_000;

/** @param {Auth} auth @param {string} user */
const ids = async (auth, user) => (await auth.sessions.list(user)).map(({ sessionId }) => sessionId);

/** A key of the subject, which both know. @param {Auth} judge @param {Subject} subject @param {Auth} [auth] */
async function create(judge, subject, auth = judge) {
  Object.assign(subject, await judge.apiKeys.create({ ownerId: subject.user, quota: { limit: 10 } }));
  await auth.apiKeys.check(subject.key, { cost: 0 });
}

/** What is left of its quota. @param {Auth} judge @param {Subject} subject */
const left = async (judge, { keyId }) => (await judge.apiKeys.get(keyId))?.quota?.remaining;

/** @type {Call[]} */
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
    call: (auth, { user, jti }) => auth.tokens.revokeId({ jti, userId: user, expiresAt: Date.now() + HOUR }),
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
    name: 'tokens.revokeUser with keys',
    prepare: (judge, subject) => create(judge, subject),
    call: (auth, { user }) => auth.tokens.revokeUser(user, { apiKeys: true }),
    check: async (judge, { key }) =>
      assert.deepEqual(await judge.apiKeys.check(key), { valid: false, code: 'revoked' }),
  },
  {
    name: 'tokens.blockUser until later',
    call: (auth, { user }) => auth.tokens.blockUser(user, { until: Date.now() + HOUR }),
    check: async (judge, { user, text }) => {
      assert.equal(await status(judge, text), 403);
      assert.equal(await judge.tokens.unblockUser(user), true);
      assert.equal(await judge.tokens.unblockUser(user), false);
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
    name: 'tokens.refresh',
    prepare: async (judge, subject) => {
      const login = await judge.tokens.login(subject.user);
      assert.ok(login.ok);
      Object.assign(subject, { refreshToken: login.refreshToken });
    },
    call: (auth, { refreshToken }) => auth.tokens.refresh(refreshToken),
    check: async (judge, { user, refreshToken }) => {
      assert.equal((await judge.tokens.refresh(refreshToken)).ok, true, 'in its grace window');
      assert.equal((await ids(judge, user)).length, 1);
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
    name: 'quotas.add under an idempotency key, and again,',
    call: (auth, { user }) => auth.quotas.add(user, { limit: 5 }, 3, { idempotencyKey: 'i' }),
    check: async (judge, { user }) => {
      const again = await judge.quotas.add(user, { limit: 5 }, 3, { idempotencyKey: 'i' });
      assert.deepEqual([again.replayed, again.limit], [true, 8]);
    },
  },
  {
    name: 'quotas.consume of a bucket',
    call: (auth, { user }) => auth.quotas.consume(user, BUCKET, { cost: 3 }),
    check: async (judge, { user }) => assert.equal((await judge.quotas.peek(user, BUCKET)).remaining, 7),
  },
  {
    name: 'quotas.refund',
    prepare: async (judge, subject) => {
      const { receipt } = await judge.quotas.consume(subject.user, RULE, { cost: 3 });
      Object.assign(subject, { receipt });
    },
    call: (auth, { receipt }) => auth.quotas.refund(receipt),
    check: async (judge, { user, receipt }) => {
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
    name: 'counters.apply under an idempotency key, and again,',
    call: (auth, { user }) => auth.counters.apply(user, [{ name: 'c', delta: 3 }], { idempotencyKey: 'i' }),
    check: async (judge, { user }) => {
      const again = await judge.counters.apply(user, [{ name: 'c', delta: 3 }], { idempotencyKey: 'i' });
      assert.deepEqual([again.replayed, again.values], [true, { c: 3 }]);
    },
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
    name: 'apiKeys.create',
    call: (auth, { user }) => auth.apiKeys.create({ ownerId: user }),
    check: async (judge, { user }) => assert.equal((await judge.apiKeys.list(user)).length, 1),
  },
  {
    name: 'apiKeys.create of an imported key',
    call: (auth, { user }) => auth.apiKeys.create({ ownerId: user, key: `imported-${user}` }),
    check: async (judge, { user }) => {
      assert.deepEqual(await judge.apiKeys.list(user), [], 'its name alone was taken');
      const again = judge.apiKeys.create({ ownerId: unique(), key: `imported-${user}` });
      await assert.rejects(again, fault('INPUT', /being imported/));
    },
  },
  {
    name: 'apiKeys.check',
    prepare: create,
    call: (auth, { key }) => auth.apiKeys.check(key, { cost: 3 }),
    check: async (judge, subject) => assert.equal(await left(judge, subject), 7),
  },
  {
    name: 'apiKeys.check under an idempotency key, and again,',
    prepare: create,
    call: (auth, { key }) => auth.apiKeys.check(key, { cost: 3, idempotencyKey: 'i' }),
    check: async (judge, subject) => {
      const again = await judge.apiKeys.check(subject.key, { cost: 3, idempotencyKey: 'i' });
      assert.equal(again.quota?.replayed, true);
      assert.equal(await left(judge, subject), 7);
    },
  },
  {
    name: 'apiKeys.addQuota',
    prepare: create,
    call: (auth, { keyId }) => auth.apiKeys.addQuota(keyId, 5),
    check: async (judge, subject) => assert.equal(await left(judge, subject), 15),
  },
  {
    name: 'apiKeys.addQuota under an idempotency key, and again,',
    prepare: create,
    call: (auth, { keyId }) => auth.apiKeys.addQuota(keyId, 5, { idempotencyKey: 'i' }),
    check: async (judge, subject) => {
      const again = await judge.apiKeys.addQuota(subject.keyId, 5, { idempotencyKey: 'i' });
      assert.equal(again.replayed, true);
      assert.equal(await left(judge, subject), 15);
    },
  },
  {
    name: 'apiKeys.rotate',
    prepare: create,
    call: (auth, { keyId }) => auth.apiKeys.rotate(keyId),
    check: async (judge, subject) => {
      assert.deepEqual(await judge.apiKeys.check(subject.key), { valid: false, code: 'revoked' });
      assert.equal(await left(judge, subject), 10, 'its quota is whole');
      const { key } = await judge.apiKeys.rotate(subject.keyId);
      assert.equal((await judge.apiKeys.check(key)).valid, true);
    },
  },
  {
    // A second rotation would have ended the first secret: one old secret works at a time.
    name: 'apiKeys.rotate with grace',
    prepare: create,
    call: (auth, { keyId }) => auth.apiKeys.rotate(keyId, { grace: HOUR }),
    check: async (judge, { key, keyId }) => {
      assert.equal((await judge.apiKeys.check(key)).valid, true);
      await judge.apiKeys.rotate(keyId, { grace: HOUR });
      assert.deepEqual(await judge.apiKeys.check(key), { valid: false, code: 'revoked' });
    },
  },
  {
    name: 'apiKeys.update',
    prepare: create,
    call: (auth, { keyId }) => auth.apiKeys.update(keyId, { name: 'new', scopes: ['read'] }),
    check: async (judge, { keyId }) => {
      const { name, scopes, quota } = (await judge.apiKeys.get(keyId)) ?? {};
      assert.deepEqual([name, scopes, quota?.remaining], ['new', ['read'], 10]);
    },
  },
  {
    name: 'apiKeys.revoke',
    prepare: create,
    call: (auth, { keyId }) => auth.apiKeys.revoke(keyId),
    check: async (judge, { key, keyId }) => {
      assert.deepEqual(await judge.apiKeys.check(key), { valid: false, code: 'revoked' });
      assert.equal(await judge.apiKeys.revoke(keyId), false);
    },
  },
  {
    name: 'locks.acquire',
    // One question, and no second one where it is not answered.
    call: (auth, { user }) => auth.locks.acquire(user, { fair: false, retries: 1, ttl: '1h', maxHold: '1h' }),
    // Whoever is not told has no turn: it is left.
    also: 1,
    check: async (judge, { user }) => {
      const lease = await judge.locks.acquire(user, { wait: 0 });
      assert.equal(await lease.release(), true);
    },
  },
];

/** @returns {Subject} */
function subject() {
  const claims = fresh({ sub: unique(), sid: 'own' });
  const prepared = { receipt: '', refreshToken: '', key: '', keyId: '' };
  return { user: claims.sub, text: sign(claims), jti: claims.jti, ...prepared };
}

module.exports = { CALLS, RULE, subject };
