// Replies that are lost, late or cut off: what ran has run once, the caller is told that the outcome is unknown, and nobody
// is given the answer of another.
'use strict';

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const { fault, unique } = require('../support/auths.js');
const { faulty, recovered, settled, status } = require('../support/faulty.js');
const { token } = require('../support/jwt.js');
const { ids } = require('../support/logins.js');
const { CALLS, RULE, subject } = require('../support/mutations.js');
const { missing } = require('../support/servers.js');
const { until } = require('../support/started.js');

/** @typedef {import('latchgate').Auth} Auth */

const POLICY = { quota: { ...RULE, name: 'replies' } };

describe('where the reply is lost after the server ran it,', async () => {
  const skip = await missing('redis');

  for (const { name, prepare, call, also = 0, check } of CALLS) {
    for (const cut of [true, false]) {
      it(`${name} ran once and its caller is told STORE_TIMEOUT (${cut ? 'connection cut' : 'silence'})`, {
        skip,
      }, async (t) => {
        const { server, proxy, auth, judge, live } = await faulty(t, { options: { apiKeys: {} } });
        const [warm, chosen] = [subject(), subject()];
        // So that the server knows the script, and one call is one command.
        await prepare?.(judge, warm, auth);
        await call(auth, warm);
        await prepare?.(judge, chosen, auth);
        const before = await server.scriptsRun();
        proxy.loseReplies(1, { cut });
        await assert.rejects(call(auth, chosen), fault('STORE_TIMEOUT'));
        assert.equal(proxy.lost, 1);
        await until('what follows it has run', async () => (await server.scriptsRun()) >= before + 1 + also);
        const running = await server.scriptsRun();
        assert.equal(running, before + 1 + also);
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
