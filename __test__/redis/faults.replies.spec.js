// Replies that are lost, late or cut off: what ran has run once, the caller is told that the outcome is unknown, and nobody
// is given the answer of another.
'use strict';

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const { fault, unique } = require('../support/auths.js');
const { faulty, recovered, settled, status } = require('../support/faulty.js');
const { fresh, sign, token } = require('../support/jwt.js');
const { missing } = require('../support/servers.js');
const { until } = require('../support/started.js');

/** @typedef {import('latchgate').Auth} Auth */
/** @typedef {{ user: string, text: string, jti: string, receipt?: string }} Subject */

const RULE = { limit: 10, window: '1h' };
const POLICY = { quota: { ...RULE, name: 'replies' } };

/** @param {Auth} auth @param {string} user */
const ids = async (auth, user) => (await auth.sessions.list(user)).map(({ sessionId }) => sessionId);

/**
 * Every call that changes something: how its subject is prepared, the call, and what must be there once it ran once.
 * @type {Array<{ name: string, prepare?: (judge: Auth, subject: Subject) => Promise<any>, call: (auth: Auth, subject: Subject) => Promise<any>, check: (judge: Auth, subject: Subject) => Promise<any> }>}
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
];

/** @returns {Subject} */
function subject() {
  const claims = fresh({ sub: unique(), sid: 'own' });
  return { user: claims.sub, text: sign(claims), jti: claims.jti };
}

describe('where the reply is lost after the server ran it,', async () => {
  const skip = await missing('redis');

  for (const { name, prepare, call, check } of CALLS) {
    for (const cut of [true, false]) {
      it(`${name} ran once and its caller is told STORE_TIMEOUT (${cut ? 'connection cut' : 'silence'})`, {
        skip,
      }, async (t) => {
        const { server, proxy, auth, judge, live } = await faulty(t);
        const [warm, chosen] = [subject(), subject()];
        // So that the server knows the script, and one call is one command.
        await prepare?.(judge, warm);
        await call(auth, warm);
        await prepare?.(judge, chosen);
        const before = await server.scriptsRun();
        proxy.loseReplies(1, { cut });
        await assert.rejects(call(auth, chosen), fault('STORE_TIMEOUT'));
        assert.equal(proxy.lost, 1);
        assert.equal(await server.scriptsRun(), before + 1);
        const running = await server.scriptsRun();
        let asked = 0;
        await until('it recovers', async () => {
          asked++;
          return (await status(auth, live)) === 200;
        });
        assert.ok((await server.scriptsRun()) <= running + asked, 'nothing was sent again');
        await check(judge, chosen);
      });
    }
  }

  it('a request is 503, admitted once and charged once', { skip }, async (t) => {
    const { server, proxy, auth, judge, live } = await faulty(t);
    assert.equal(await status(auth, live, POLICY), 200);
    const user = unique();
    const text = token({ sub: user, sid: 's' });
    const before = await server.scriptsRun();
    proxy.loseReplies(1);
    assert.equal(await status(auth, text, POLICY), 503);
    assert.equal(await server.scriptsRun(), before + 1);
    assert.deepEqual(await ids(judge, user), ['s']);
    const again = await judge.authenticate(
      { token: text },
      { ...POLICY, quota: { ...POLICY.quota, cost: 0 } },
    );
    assert.ok(again.ok);
    assert.equal(again.auth.quota?.remaining, 9);
  });

  it('of many calls that met a server without scripts one sends the text', { skip }, async (t) => {
    const { server, auth } = await faulty(t);
    const rule = { limit: 1000, window: '1h' };
    await auth.quotas.consume('warm', rule);
    await server.scriptFlush();
    await server.resetStats();
    const answers = await Promise.all(Array.from({ length: 500 }, () => auth.quotas.consume('many', rule)));
    assert.deepEqual(new Set(answers.map(({ remaining }) => remaining)).size, 500);
    assert.equal((await server.commandstats()).eval, 1);
  });

  it('a call that had to send its script in full ran once too', { skip }, async (t) => {
    const { server, proxy, auth, judge, live } = await faulty(t);
    const user = unique();
    await auth.quotas.consume(unique(), RULE);
    await server.scriptFlush();
    proxy.loseReplies(1, { of: /^eval$/ });
    await assert.rejects(auth.quotas.consume(user, RULE), fault('STORE_TIMEOUT'));
    assert.equal(proxy.lost, 1);
    await recovered(auth, live);
    assert.equal((await judge.quotas.peek(user, RULE)).remaining, 9);
  });
});

/** Users whose answers cannot be mistaken for one another's. @param {Auth} judge @param {number} count */
async function people(judge, count) {
  return Promise.all(
    Array.from({ length: count }, async (_each, index) => {
      const user = unique(`person-${index}`);
      await judge.sessions.admit(user, { sessionId: `${user}/s`, device: { name: user } });
      const limit = 100_000 + index;
      return { user, text: token({ sub: user, sid: `${user}/s` }), limit, charged: 0, unknown: 0 };
    }),
  );
}

/** @param {Auth} auth @param {Awaited<ReturnType<typeof people>>} crowd @returns {Promise<number>} how many calls were a fault */
async function askAll(auth, crowd) {
  const calls = crowd.flatMap((person) => {
    const { user, text, limit } = person;
    const consumed = auth.quotas.consume(user, { limit, window: '1h' }).then(
      (consumption) => {
        assert.equal(consumption.limit, limit);
        person.charged++;
        assert.ok(consumption.remaining <= limit - person.charged);
      },
      (error) => {
        person.unknown++;
        throw error;
      },
    );
    const listed = auth.sessions.list(user).then((list) =>
      assert.deepEqual(
        list.map(({ device }) => device?.name),
        [user],
      ),
    );
    const touched = auth.sessions.touch(user, `${user}/s`).then((session) => {
      assert.equal(session?.device?.name, user);
      assert.equal(session?.userId, user);
    });
    const passed = status(auth, text).then((got) => {
      assert.ok(got === 200 || got === 503, `${got}`);
      if (got === 503)
        throw Object.assign(new Error('denied'), { code: 'ERR_LATCHGATE_STORE_UNAVAILABLE', status: 503 });
    });
    return [consumed, listed, touched, passed];
  });
  return (await settled(calls)).faults;
}

/** What was charged is what was answered, and at most what was left open. @param {Auth} judge @param {Awaited<ReturnType<typeof people>>} crowd */
async function assertCharges(judge, crowd) {
  for (const { user, limit, charged, unknown } of crowd) {
    const { remaining } = await judge.quotas.peek(user, { limit, window: '1h' });
    const used = limit - remaining;
    assert.ok(
      used >= charged && used <= charged + unknown,
      `${used} used, ${charged} answered, ${unknown} unknown`,
    );
  }
}

describe('no caller is given the answer of another', async () => {
  const skip = await missing('redis');
  /** @type {Array<{ commands: number } | { replies: number } | { bytes: number }>} */
  const CUTS = [
    { replies: 1 },
    { replies: 2 },
    { replies: 33 },
    { replies: 170 },
    { commands: 1 },
    { commands: 20 },
    { commands: 150 },
    { bytes: 1 },
    { bytes: 77 },
    { bytes: 1500 },
    { bytes: 5000 },
  ];

  it('where the connection is cut in the middle of a pipeline', { skip }, async (t) => {
    const { proxy, auth, judge, live } = await faulty(t);
    const crowd = await people(judge, 60);
    for (const cut of CUTS) {
      const { cuts } = proxy;
      proxy.cutAfter(cut);
      const faults = await askAll(auth, crowd);
      assert.equal(proxy.cuts, cuts + 1, JSON.stringify(cut));
      assert.ok(faults > 0, JSON.stringify(cut));
      await recovered(auth, live);
    }
    assert.equal(await askAll(auth, crowd), 0);
    await assertCharges(judge, crowd);
  });

  it('where replies are lost from one in the middle on, and the connection stays open', {
    skip,
  }, async (t) => {
    const { proxy, auth, judge, live } = await faulty(t);
    const crowd = await people(judge, 60);
    for (let round = 0; round < 5; round++) {
      proxy.loseReplies(1, { cut: false, after: round * 50 });
      assert.ok((await askAll(auth, crowd)) > 0);
      await recovered(auth, live);
    }
    assert.equal(await askAll(auth, crowd), 0);
    await assertCharges(judge, crowd);
  });

  it('where replies take 0 to 2 s, some of them longer than the deadline', { skip }, async (t) => {
    const { proxy, auth, judge, live } = await faulty(t, { store: { commandTimeout: '1s' } });
    const crowd = await people(judge, 30);
    for (let round = 0; round < 4; round++) {
      proxy.delay(() => Math.random() * 2000);
      await askAll(auth, crowd);
    }
    await proxy.pass();
    await recovered(auth, live);
    assert.equal(await askAll(auth, crowd), 0);
    await assertCharges(judge, crowd);
  });

  it('where everything comes later than its deadline, and then in time again', { skip }, async (t) => {
    const { proxy, auth, judge, live } = await faulty(t);
    const crowd = await people(judge, 30);
    proxy.delay(600);
    assert.equal(await askAll(auth, crowd), 4 * crowd.length);
    await proxy.pass();
    await recovered(auth, live);
    assert.equal(await askAll(auth, crowd), 0);
    await assertCharges(judge, crowd);
  });

  it('where the bytes come slowly, a few at a time', { skip }, async (t) => {
    const { proxy, auth, judge, live } = await faulty(t, { store: { commandTimeout: '20s' } });
    const crowd = await people(judge, 20);
    proxy.slow(50_000);
    assert.equal(await askAll(auth, crowd), 0);
    await proxy.pass();
    await recovered(auth, live);
    await assertCharges(judge, crowd);
  });
});
