// Turns of users, and their link to the credential: the check when the turn is granted, assertValid(), signal, and
// the barrier of a revocation.
'use strict';

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const { fault, newStore, open, unique } = require('./support/auths.js');
const { token } = require('./support/jwt.js');
const { aborted, areGrowing, crowd, held, tick } = require('./support/turns.js');

/** @typedef {import('latchgate').Auth} Auth */

const OPTIONS = { sessions: { admission: /** @type {const} */ ('first-use') }, apiKeys: {} };

/** @param {Auth} auth @param {Parameters<Auth['authenticate']>[0]} credentials */
async function enter(auth, credentials) {
  const answer = await auth.authenticate(credentials);
  assert.ok(answer.ok, 'the request is allowed');
  return answer.auth;
}

/**
 * Every kind of credential, and every way to invalidate it.
 * @type {Array<[string, (auth: Auth, user: string) => Promise<any>, Array<[string, (auth: Auth, user: string, own: any) => Promise<unknown>]>]>}
 */
const CREDENTIALS = [
  [
    'a token',
    async (_auth, user) => ({ token: token({ sub: user, sid: 's', jti: `j ${user}` }) }),
    [
      ['the token is revoked', ({ tokens }, _user, own) => tokens.revoke(own.token)],
      ['the user is revoked', ({ tokens }, user) => tokens.revokeUser(user)],
      ['the user is blocked', ({ tokens }, user) => tokens.blockUser(user)],
      ['its session is ended', ({ sessions }, user) => sessions.end(user, 's')],
      ['all sessions are ended', ({ sessions }, user) => sessions.endAll(user)],
      [
        'its session is evicted',
        ({ sessions }, user) => sessions.admit(user, { limit: 1, onLimit: 'evict-oldest' }),
      ],
    ],
  ],
  [
    'an API key',
    async (auth, user) => {
      const { key, keyId } = await auth.apiKeys.create({ ownerId: user });
      return { apiKey: key, keyId };
    },
    [
      ['the key is revoked', ({ apiKeys }, _user, own) => apiKeys.revoke(own.keyId)],
      ['its secret is replaced', ({ apiKeys }, _user, own) => apiKeys.rotate(own.keyId)],
      ['the user’s keys are revoked', ({ tokens }, user) => tokens.revokeUser(user, { apiKeys: true })],
      ['the user is blocked', ({ tokens }, user) => tokens.blockUser(user)],
    ],
  ],
  [
    'a token and an API key',
    async (auth, user) => {
      const { key, keyId } = await auth.apiKeys.create({ ownerId: user });
      return { token: token({ sub: user, sid: 's' }), apiKey: key, keyId };
    },
    [
      ['the token is revoked', ({ tokens }, _user, own) => tokens.revoke(own.token)],
      ['the key is revoked', ({ apiKeys }, _user, own) => apiKeys.revoke(own.keyId)],
    ],
  ],
];

for (const [what, make, ends] of CREDENTIALS) {
  describe(`with ${what}`, () => {
    /** @param {import('node:test').TestContext} t */
    async function setUp(t) {
      const auth = open(t, OPTIONS);
      const user = unique();
      const { keyId, ...credentials } = await make(auth, user);
      const own = await enter(auth, credentials);
      return { auth, user, own, credentials: { ...credentials, keyId } };
    }

    it('sections of one user run one at a time, and sections of other users concurrently', async (t) => {
      const { auth, own } = await setUp(t);
      const holder = await held((work) => own.runExclusive(work));
      assert.equal(holder.lease.key, own.userId);
      const other = await enter(auth, { token: token({ sub: unique(), sid: 's' }) });
      assert.equal(await other.runExclusive(() => 'other', { wait: 0 }), 'other');
      assert.equal(await auth.locks.runExclusive(own.userId, () => 'key', { wait: 0 }), 'key');
      await assert.rejects(
        own.runExclusive(() => 1, { wait: 0 }),
        fault('BUSY'),
      );
      holder.leave();
      await holder.done;
      const { seen, work } = crowd();
      await Promise.all(Array.from({ length: 50 }, () => own.runExclusive(work)));
      assert.deepEqual([seen.runs, seen.most, areGrowing(seen.fences)], [50, 1, true]);
    });

    it('assertValid() resolves as long as the credential is valid, and updates no session', async (t) => {
      const { auth, user, own } = await setUp(t);
      const before = await auth.sessions.list(user);
      assert.equal(await own.assertValid(), undefined);
      assert.deepEqual(await auth.sessions.list(user), before);
    });

    for (const [how, end] of ends) {
      it(`once ${how}, no further section runs`, async (t) => {
        const { auth, user, own, credentials } = await setUp(t);
        const holder = await held((work) => own.runExclusive(work));
        let ran = 0;
        const waiting = Array.from({ length: 5 }, () => own.runExclusive(() => ran++));
        const refused = waiting.map((run) => assert.rejects(run, fault('REVOKED')));
        const { signal } = own;
        assert.equal(signal.aborted, false);
        await end(auth, user, credentials);
        assert.ok(fault('REVOKED')(await aborted(signal)));
        await assert.rejects(own.assertValid(), fault('REVOKED'));
        holder.leave();
        assert.equal(
          await holder.done,
          'done',
          'the section that held the turn before the revocation may end',
        );
        await Promise.all(refused);
        await assert.rejects(
          own.runExclusive(() => ran++),
          fault('REVOKED'),
        );
        const changes = [{ name: 'n', delta: 1 }];
        await assert.rejects(auth.counters.apply(user, changes, { auth: own }), fault('REVOKED'));
        assert.equal(ran, 0);
      });
    }

    it('counters.apply() accepts its auth', async (t) => {
      const { auth, user, own } = await setUp(t);
      const { values } = await auth.counters.apply(user, [{ name: 'n', delta: 2 }], { auth: own });
      assert.deepEqual(values, { n: 2 });
    });
  });
}

describe('a signal', () => {
  it('of another user, or of another session, does not abort', async (t) => {
    const auth = open(t, OPTIONS);
    const user = unique();
    const [gone, same, other] = await Promise.all([
      enter(auth, { token: token({ sub: user, sid: 'a' }) }),
      enter(auth, { token: token({ sub: user, sid: 'b' }) }),
      enter(auth, { token: token({ sub: unique(), sid: 'a' }) }),
    ]);
    const signals = [gone, same, other].map(({ signal }) => signal);
    await auth.sessions.end(user, 'a');
    await aborted(signals[0]);
    await Promise.all([same.assertValid(), other.assertValid()]);
    assert.deepEqual(
      signals.map((signal) => signal.aborted),
      [true, false, false],
    );
  });

  it('is the same object at every read', async (t) => {
    const auth = open(t, OPTIONS);
    const own = await enter(auth, { token: token({ sid: 's' }) });
    assert.equal(own.signal, own.signal);
  });

  it('does not abort after done()', async (t) => {
    const auth = open(t, OPTIONS);
    const user = unique();
    const [own, other] = await Promise.all([
      enter(auth, { token: token({ sub: user, sid: 's' }) }),
      enter(auth, { token: token({ sub: user, sid: 's' }) }),
    ]);
    const unread = await enter(auth, { token: token({ sub: user, sid: 's' }) });
    const { signal } = own;
    for (const each of [own, own, unread]) each.done();
    const late = unread.signal;
    const watching = aborted(other.signal);
    await auth.tokens.revokeUser(user);
    await watching;
    assert.deepEqual([signal.aborted, late.aborted], [false, false]);
  });

  it('is pushed to every Auth on the store', async (t) => {
    const store = newStore();
    const [one, two] = [open(t, { store, ...OPTIONS }), open(t, { store, ...OPTIONS })];
    const user = unique();
    const own = await enter(two, { token: token({ sub: user, sid: 's' }) });
    const { signal } = own;
    await one.tokens.blockUser(user);
    assert.ok(fault('REVOKED')(await aborted(signal)));
  });
});

describe('a barrier', () => {
  for (const method of /** @type {const} */ (['revokeUser', 'blockUser'])) {
    it(`of ${method}() waits for the running section, ahead of the waiters`, async (t) => {
      const auth = open(t, OPTIONS);
      const user = unique();
      const own = await enter(auth, { token: token({ sub: user, sid: 's' }) });
      const holder = await held((work) => own.runExclusive(work));
      const waiting = Array.from({ length: 5 }, () => own.runExclusive(() => 'never'));
      const refused = waiting.map((run) => assert.rejects(run, fault('REVOKED')));
      let isOver = false;
      const revoking = auth.tokens[method](user, { barrier: true }).then((told) => {
        assert.ok(isOver, 'the barrier waits for the end of the section');
        return told;
      });
      // The revocation is done as soon as the credential is invalid.
      while (await own.assertValid().then(Boolean.bind(null, true), () => false)) await tick();
      isOver = true;
      holder.leave();
      const { sessionsEnded, fence } = await revoking;
      assert.equal(sessionsEnded, 1);
      assert.ok(Number(fence) > holder.lease.fence);
      await Promise.all(refused);
    });
  }

  it('that is interrupted by close() reports that the revocation is in effect', async (t) => {
    const store = newStore();
    const [auth, other] = [open(t, { ...OPTIONS, store }), open(t, { ...OPTIONS, store })];
    const user = unique();
    const own = await enter(other, { token: token({ sub: user, sid: 's' }) });
    const holder = await held((work) => own.runExclusive(work));
    const revoking = assert.rejects(
      auth.tokens.revokeUser(user, { barrier: true }),
      fault('CLOSED', /the revocation stands/),
    );
    while (await own.assertValid().then(Boolean.bind(null, true), () => false)) await tick();
    await auth.close();
    await revoking;
    holder.leave();
  });

  it('without a running section resolves, with a fence below every later fence', async (t) => {
    const auth = open(t, OPTIONS);
    const user = unique();
    const first = await auth.tokens.revokeUser(user, { barrier: true });
    const second = await auth.tokens.revokeUser(user, { barrier: true, wait: 0 });
    assert.ok(Number(second.fence) > Number(first.fence));
    const own = await enter(auth, { token: await auth.tokens.issue(user, { sessionId: 's' }) });
    const fence = await own.runExclusive((lease) => lease.fence, { wait: 0 });
    assert.ok(fence > Number(second.fence));
  });

  it('that times out is BUSY, and the revocation stays in effect', async (t) => {
    const auth = open(t, OPTIONS);
    const user = unique();
    const own = await enter(auth, { token: token({ sub: user, sid: 's' }) });
    const holder = await held((work) => own.runExclusive(work));
    for (const wait of [0, 20]) {
      const revoking = auth.tokens.revokeUser(user, { barrier: true, wait });
      await assert.rejects(revoking, fault('BUSY', /revocation stands/));
    }
    await assert.rejects(own.assertValid(), fault('REVOKED'));
    holder.leave();
    await holder.done;
    await auth.tokens.revokeUser(user, { barrier: true });
  });

  it('inside the user’s own turn does not wait for itself', async (t) => {
    const auth = open(t, OPTIONS);
    const user = unique();
    const own = await enter(auth, { token: token({ sub: user, sid: 's' }) });
    const [told, fence] = await own.runExclusive(async (lease) => [
      await auth.tokens.revokeUser(user, { barrier: true }),
      lease.fence,
    ]);
    assert.deepEqual(told, { sessionsEnded: 1, fence });
  });

  it('that is not requested returns no fence, and invalid options revoke nothing', async (t) => {
    /** @type {any} */
    const auth = open(t, OPTIONS);
    const user = unique();
    const own = await enter(auth, { token: token({ sub: user, sid: 's' }) });
    for (const options of [{ barrier: 1 }, { barrier: true, wait: -1 }, { wait: 'soon' }, { wait: '2h' }]) {
      await assert.rejects(auth.tokens.revokeUser(user, options), fault('INPUT'));
      await assert.rejects(auth.tokens.blockUser(user, options), fault('INPUT'));
    }
    await own.assertValid();
    assert.deepEqual(await auth.tokens.revokeUser(user, { barrier: false, wait: '1s' }), {
      sessionsEnded: 1,
    });
  });
});

describe('after close()', () => {
  it('every call is ERR_LATCHGATE_CLOSED', async (t) => {
    const auth = open(t, OPTIONS);
    const own = await enter(auth, { token: token({ sid: 's' }) });
    const lease = await auth.locks.acquire('k');
    await auth.close();
    assert.ok(lease.signal.aborted);
    const calls = [
      () => auth.locks.runExclusive('k', () => 1),
      () => auth.locks.acquire('k'),
      () => lease.release(),
      () => own.runExclusive(() => 1),
      () => own.assertValid(),
    ];
    for (const call of calls) await assert.rejects(call(), fault('CLOSED'), String(call));
    assert.throws(() => auth.serialize(), fault('CLOSED'));
    assert.equal(own.signal.aborted, false);
  });

  it('a lease that was granted as close() began is released, and delays nobody', async (t) => {
    const url = newStore('memory:');
    const auth = open(t, { ...OPTIONS, store: url });
    const other = open(t, { ...OPTIONS, store: url });
    const refused = assert.rejects(auth.locks.acquire('k'), fault('CLOSED'));
    const closed = auth.close().then(() => 'closed');
    assert.equal(await other.locks.runExclusive('k', () => 'had', { wait: '10s' }), 'had');
    await refused;
    assert.equal(await closed, 'closed');
  });

  it('sections have ended, and waiters were rejected', async (t) => {
    const auth = open(t, OPTIONS);
    const key = unique('key');
    const holder = await held((/** @type {any} */ work) => auth.locks.runExclusive(key, work));
    const waiting = assert.rejects(
      auth.locks.runExclusive(key, () => 1),
      fault('CLOSED'),
    );
    const order = [holder.done.then(() => 'section'), auth.close().then(() => 'close')];
    await waiting;
    holder.leave();
    assert.equal(await Promise.race(order), 'section');
    await Promise.all(order);
  });
});
