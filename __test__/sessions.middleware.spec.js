// auth.sessions: admission, touch, end and list, by user and session id.
'use strict';

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const { fault, open, unique } = require('./support/auths.js');
const { token } = require('./support/jwt.js');

/** @param {import('latchgate').Auth} auth @param {string} user */
const ids = async (auth, user) => (await auth.sessions.list(user)).map(({ sessionId }) => sessionId);

describe('admit()', () => {
  it('admits up to the limit, and refuses the next session without a change', async (t) => {
    const auth = open(t, { sessions: { limit: 2 } });
    const user = unique();
    const before = Date.now();
    const first = await auth.sessions.admit(user, { sessionId: 'a' });
    assert.ok(first.admitted);
    assert.deepEqual(Object.keys(first).sort(), [
      'active',
      'admitted',
      'evicted',
      'existing',
      'limit',
      'session',
    ]);
    assert.equal(first.active, 1);
    assert.equal(first.limit, 2);
    assert.equal(first.existing, false);
    assert.deepEqual(first.evicted, []);
    assert.equal(first.session.sessionId, 'a');
    assert.equal(first.session.userId, user);
    assert.ok(first.session.createdAt >= before && first.session.createdAt <= Date.now());
    assert.equal(first.session.expiresAt, first.session.lastActiveAt + 30 * 60_000);
    await auth.sessions.admit(user, { sessionId: 'b' });
    const listed = await auth.sessions.list(user);
    const refused = await auth.sessions.admit(user, { sessionId: 'c' });
    assert.ok(!refused.admitted);
    const { retryAfterMs, ...rest } = refused;
    assert.deepEqual(rest, { admitted: false, reason: 'session_limit', active: 2, limit: 2 });
    assert.ok(retryAfterMs !== null && retryAfterMs > 0 && retryAfterMs <= 30 * 60_000);
    assert.deepEqual(await auth.sessions.list(user), listed);
  });

  it('counts per user', async (t) => {
    const auth = open(t, { sessions: { limit: 1 } });
    for (const user of [unique(), unique()]) {
      assert.equal((await auth.sessions.admit(user)).admitted, true);
      assert.equal((await auth.sessions.admit(user)).admitted, false);
    }
  });

  it('without a limit admits any number, and returns null as the limit', async (t) => {
    const auth = open(t);
    const user = unique();
    for (let count = 1; count <= 100; count++) {
      const admission = await auth.sessions.admit(user);
      assert.ok(admission.admitted);
      assert.deepEqual([admission.active, admission.limit], [count, null]);
    }
    assert.equal((await auth.sessions.list(user)).length, 100);
  });

  it('with a limit of 0 admits no session', async (t) => {
    const auth = open(t, { sessions: { limit: 0 } });
    const user = unique();
    for (const onLimit of /** @type {const} */ (['reject', 'evict-oldest'])) {
      assert.deepEqual(await auth.sessions.admit(user, { onLimit }), {
        admitted: false,
        reason: 'session_limit',
        active: 0,
        limit: 0,
        retryAfterMs: null,
      });
    }
  });

  it('of a live session is idempotent, even at the limit', async (t) => {
    const auth = open(t, { sessions: { limit: 1 } });
    const user = unique();
    const first = await auth.sessions.admit(user, { sessionId: 'a' });
    const again = await auth.sessions.admit(user, { sessionId: 'a' });
    assert.ok(first.admitted && again.admitted);
    assert.equal(again.existing, true);
    assert.equal(again.active, 1);
    assert.equal(again.session.createdAt, first.session.createdAt);
    assert.deepEqual(await ids(auth, user), ['a']);
  });

  it('with evict-oldest ends the least recently active session to admit a new one', async (t) => {
    const auth = open(t, { sessions: { limit: 3, onLimit: 'evict-oldest' } });
    const user = unique();
    for (const sessionId of ['a', 'b', 'c']) await auth.sessions.admit(user, { sessionId });
    await auth.sessions.touch(user, 'a');
    const admission = await auth.sessions.admit(user, { sessionId: 'd' });
    assert.ok(admission.admitted);
    assert.equal(admission.active, 3);
    assert.deepEqual(
      admission.evicted.map(({ sessionId, userId }) => [sessionId, userId]),
      [['b', user]],
    );
    assert.deepEqual(await ids(auth, user), ['d', 'a', 'c']);
    const back = await auth.sessions.admit(user, { sessionId: 'b' });
    assert.deepEqual([back.admitted, !back.admitted && back.reason], [false, 'session_ended']);
  });

  it('after a lower limit ends no session, and admits none until a slot is free', async (t) => {
    const auth = open(t);
    const user = unique();
    for (const sessionId of ['a', 'b', 'c', 'd', 'e'])
      await auth.sessions.admit(user, { sessionId, limit: 5 });
    const refused = await auth.sessions.admit(user, { limit: 2 });
    assert.deepEqual([refused.admitted, refused.active, refused.limit], [false, 5, 2]);
    const known = await auth.sessions.admit(user, { sessionId: 'a', limit: 2 });
    assert.equal(known.admitted, true);
    for (const sessionId of ['b', 'c', 'd', 'e']) {
      await auth.sessions.end(user, sessionId);
      const { admitted } = await auth.sessions.admit(user, { sessionId: `new-${sessionId}`, limit: 2 });
      assert.equal(admitted, sessionId === 'e', `after ${sessionId} ended`);
    }
  });

  it('after a lower limit evicts down to it if the policy is evict-oldest', async (t) => {
    const auth = open(t);
    const user = unique();
    for (const sessionId of ['a', 'b', 'c', 'd', 'e']) await auth.sessions.admit(user, { sessionId });
    const admission = await auth.sessions.admit(user, { sessionId: 'f', limit: 2, onLimit: 'evict-oldest' });
    assert.ok(admission.admitted);
    assert.equal(admission.active, 2);
    assert.deepEqual(
      admission.evicted.map(({ sessionId }) => sessionId),
      ['a', 'b', 'c', 'd'],
    );
  });

  it('generates ids of 128 random bits if the caller gives none', async (t) => {
    const auth = open(t);
    const user = unique();
    const made = new Set();
    for (let count = 0; count < 500; count++) {
      const admission = await auth.sessions.admit(user);
      assert.ok(admission.admitted);
      const { sessionId } = admission.session;
      assert.equal(Buffer.from(sessionId, 'base64url').length, 16);
      assert.equal(Buffer.from(sessionId, 'base64url').toString('base64url'), sessionId);
      made.add(sessionId);
    }
    assert.equal(made.size, 500);
  });

  it('keeps device data unchanged', async (t) => {
    const auth = open(t);
    const user = unique();
    const device = { name: 'Küche 🍳', ip: '::1', ['__proto__']: 'none', 'a"b\\': '\n' };
    const admission = await auth.sessions.admit(user, { sessionId: 's', device });
    assert.ok(admission.admitted);
    assert.deepEqual(admission.session.device, device);
    assert.deepEqual((await auth.sessions.list(user))[0].device, device);
    assert.deepEqual((await auth.sessions.touch(user, 's'))?.device, device);
    const bare = await auth.sessions.admit(user);
    assert.equal(bare.admitted && 'device' in bare.session, false);
  });

  it('needs a limit as an argument if the configured limit is a function', async (t) => {
    const auth = open(t, { sessions: { limit: () => 1 } });
    const user = unique();
    await assert.rejects(auth.sessions.admit(user), fault('INPUT', /limit/));
    assert.equal((await auth.sessions.admit(user, { limit: 1 })).admitted, true);
    assert.equal((await auth.sessions.admit(user, { limit: 1 })).admitted, false);
  });
});

describe('end() and endAll()', () => {
  it('end a session once, and only a session of the given user', async (t) => {
    const auth = open(t);
    const [user, other] = [unique(), unique()];
    await auth.sessions.admit(user, { sessionId: 's' });
    await auth.sessions.admit(other, { sessionId: 'o' });
    assert.equal(await auth.sessions.end(other, 's'), false);
    assert.deepEqual(await ids(auth, user), ['s']);
    assert.equal(await auth.sessions.end(user, 's'), true);
    assert.equal(await auth.sessions.end(user, 's'), false);
    assert.equal(await auth.sessions.end(user, 'never'), false);
    assert.deepEqual(await ids(auth, user), []);
    assert.deepEqual(await ids(auth, other), ['o']);
  });

  it('an ended session is revived neither by touch nor by admission', async (t) => {
    const auth = open(t, { sessions: { admission: 'first-use' } });
    const user = unique();
    await auth.sessions.admit(user, { sessionId: 's' });
    await auth.sessions.end(user, 's');
    assert.equal(await auth.sessions.touch(user, 's'), null);
    assert.deepEqual(await auth.sessions.admit(user, { sessionId: 's' }), {
      admitted: false,
      reason: 'session_ended',
      active: 0,
      limit: null,
      retryAfterMs: null,
    });
    const answer = await auth.authenticate({ token: token({ sub: user, sid: 's' }) });
    assert.equal(!answer.ok && answer.reason, 'session_ended');
    assert.deepEqual(await ids(auth, user), []);
  });

  it('a freed slot is available immediately, and the count is 0 after the last end', async (t) => {
    const auth = open(t, { sessions: { limit: 2 } });
    const user = unique();
    for (let round = 0; round < 20; round++) {
      const [a, b] = [unique('a'), unique('b')];
      assert.equal((await auth.sessions.admit(user, { sessionId: a })).admitted, true);
      assert.equal((await auth.sessions.admit(user, { sessionId: b })).admitted, true);
      assert.equal((await auth.sessions.admit(user)).admitted, false);
      assert.equal(await auth.sessions.end(user, a), true);
      assert.equal(await auth.sessions.end(user, b), true);
    }
    assert.deepEqual(await ids(auth, user), []);
  });

  it('endAll() ends all sessions, or all except one, and returns their number', async (t) => {
    const auth = open(t);
    const user = unique();
    for (const sessionId of ['a', 'b', 'c']) await auth.sessions.admit(user, { sessionId });
    assert.equal(await auth.sessions.endAll(user, { except: 'b' }), 2);
    assert.deepEqual(await ids(auth, user), ['b']);
    assert.equal(await auth.sessions.endAll(user, { except: 'unknown' }), 1);
    assert.equal(await auth.sessions.endAll(user), 0);
  });
});

describe('touch() and list()', () => {
  it('touch() moves a session to the front, and finds no session of another user', async (t) => {
    const auth = open(t);
    const user = unique();
    for (const sessionId of ['a', 'b', 'c']) await auth.sessions.admit(user, { sessionId });
    assert.deepEqual(await ids(auth, user), ['c', 'b', 'a']);
    const touched = await auth.sessions.touch(user, 'a');
    assert.equal(touched?.sessionId, 'a');
    assert.equal(touched?.userId, user);
    assert.ok(touched !== null && touched.lastActiveAt >= touched.createdAt);
    assert.deepEqual(await ids(auth, user), ['a', 'c', 'b']);
    assert.equal(await auth.sessions.touch(unique(), 'a'), null);
    assert.equal(await auth.sessions.touch(user, 'unknown'), null);
  });

  it('an allowed request counts as activity, a denied request does not', async (t) => {
    const auth = open(t, { sessions: {} });
    const user = unique();
    for (const sessionId of ['a', 'b', 'c']) await auth.sessions.admit(user, { sessionId });
    await auth.authenticate({ token: token({ sub: user, sid: 'a' }) });
    assert.deepEqual(await ids(auth, user), ['a', 'c', 'b']);
    await auth.authenticate({ token: token({ sub: user, sid: 'b' }) }, { scope: 'write' });
    assert.deepEqual(await ids(auth, user), ['a', 'c', 'b']);
  });

  it('list() of a user without sessions is empty', async (t) => {
    assert.deepEqual(await open(t).sessions.list(unique()), []);
  });
});

describe('invalid arguments', () => {
  it('of admit() are refused, the message names the option, and no state changes', async (t) => {
    const auth = open(t);
    const user = unique();
    /** @type {any} */
    const { sessions } = auth;
    /** @type {Array<[object, RegExp]>} */
    const bad = [
      ...[-1, Number.NaN, 1.5, '3', 2 ** 32, 2 ** 32 + 1, Number.POSITIVE_INFINITY, true, null, {}].map(
        (limit) => /** @type {[object, RegExp]} */ ([{ limit }, /limit/]),
      ),
      [{ limit: () => 3 }, /limit/],
      [{ onLimit: 'evict' }, /onLimit/],
      [{ idleTimeout: 0 }, /idleTimeout/],
      [{ idleTimeout: '5 minutes' }, /idleTimeout/],
      [{ absoluteTimeout: -1 }, /absoluteTimeout/],
      [{ absoluteTimeout: Number.NaN }, /absoluteTimeout/],
      [{ absoluteTimeout: 1e300 }, /absoluteTimeout/],
      [{ device: 'phone' }, /device/],
      [{ device: { name: 7 } }, /device/],
      [{ device: { name: '\ud800' } }, /device/],
      [{ device: { name: 'x'.repeat(5000) } }, /device/],
      [{ device: [] }, /device/],
      [{ admission: 'explicit' }, /admission/],
      [{ sessionID: 's' }, /sessionId/],
    ];
    for (const [options, names] of bad)
      await assert.rejects(sessions.admit(user, options), fault('INPUT', names));
    await assert.rejects(sessions.admit(user, 's'), fault('INPUT'));
    await assert.rejects(sessions.endAll(user, { expect: 's' }), fault('INPUT', /except/));
    assert.deepEqual(await ids(auth, user), []);
  });
});
