// Replies that are lost, late or cut off among many replies. No caller gets the reply to another call. The charged
// amount is at least the answered amount, and at most that amount plus the calls with unknown outcome.
'use strict';

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const { unique } = require('../support/auths.js');
const { faulty, recovered, settled, status } = require('../support/faulty.js');
const { WAYS } = require('../support/front.js');
const { token } = require('../support/jwt.js');
const { missing } = require('../support/servers.js');

/** @typedef {import('latchgate').Auth} Auth */

/**
 * Maximum time in milliseconds that a call may end after its timeout, because of a reply in the last instant or a
 * busy machine.
 */
const SLACK = 1000;

/** Returns users whose answers are all different. @param {Auth} judge @param {number} count */
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

/**
 * @param {Auth} auth
 * @param {Awaited<ReturnType<typeof people>>} crowd
 * @param {number} [deadline] timeout of each call
 * @returns {Promise<{ faults: number, answers: number, late: number }>} late: number of calls that ended after their timeout
 */
async function askAll(auth, crowd, deadline = Number.POSITIVE_INFINITY) {
  const latest = performance.now() + deadline + SLACK;
  let late = 0;
  const note = () => {
    if (performance.now() > latest) late++;
  };
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
  for (const call of calls) call.then(note, note);
  const { faults } = await settled(calls);
  return { faults, answers: calls.length - faults, late };
}

/**
 * Asserts that the charged amount is at least the answered amount, and at most that plus the unknown outcomes.
 * @param {Auth} judge
 * @param {Awaited<ReturnType<typeof people>>} crowd
 */
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

const DEADLINE = 500;
/** Delay of each part of the replies, in milliseconds: some are in time, others exceed the timeout by far. */
const DELAYS = [100, 250, 2000, 1900, 0, 1950, 400, 2000];
/**
 * Index of the first delay of each round: in time or late, regardless of the number of parts in which the replies
 * come.
 */
const BEGINNINGS = [0, 2, 0, 2];

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

const SITES = [
  ...WAYS.map((way) => ({ kind: /** @type {const} */ ('redis'), way, name: `Redis over ${way}` })),
  { kind: /** @type {const} */ ('valkey'), way: WAYS[0], name: `Valkey over ${WAYS[0]}` },
];

for (const { kind, way, name } of SITES) {
  describe(`no caller gets the reply to another call from ${name}`, async () => {
    const skip = await missing(kind);

    it('when the connection is cut in the middle of a pipeline', { skip }, async (t) => {
      const { proxy, auth, judge, live } = await faulty(t, { server: { kind }, way });
      const crowd = await people(judge, 60);
      for (const cut of CUTS) {
        const { cuts } = proxy;
        proxy.cutAfter(cut);
        const { faults } = await askAll(auth, crowd);
        assert.equal(proxy.cuts, cuts + 1, JSON.stringify(cut));
        assert.ok(faults > 0, JSON.stringify(cut));
        await recovered(auth, live);
      }
      assert.equal((await askAll(auth, crowd)).faults, 0);
      await assertCharges(judge, crowd);
    });

    it('when all replies from the middle of a pipeline onwards are lost, and the connection stays open', {
      skip,
    }, async (t) => {
      const { proxy, auth, judge, live } = await faulty(t, { server: { kind }, way });
      const crowd = await people(judge, 60);
      for (let round = 0; round < 5; round++) {
        proxy.loseReplies(1, { cut: false, after: round * 50 });
        assert.ok((await askAll(auth, crowd)).faults > 0);
        await recovered(auth, live);
      }
      assert.equal((await askAll(auth, crowd)).faults, 0);
      await assertCharges(judge, crowd);
    });

    it('when replies take 0 to 2 s, and a reply beyond the timeout is a fault at the timeout', {
      skip,
    }, async (t) => {
      const store = { commandTimeout: DEADLINE };
      const { proxy, auth, judge, live } = await faulty(t, { server: { kind }, way, store });
      const crowd = await people(judge, 30);
      const sum = { faults: 0, answers: 0, late: 0 };
      for (const beginning of BEGINNINGS) {
        let part = beginning;
        proxy.delay(() => DELAYS[part++ % DELAYS.length]);
        const { faults, answers, late } = await askAll(auth, crowd, DEADLINE);
        sum.faults += faults;
        sum.answers += answers;
        sum.late += late;
        await proxy.pass();
        await recovered(auth, live);
      }
      t.diagnostic(JSON.stringify(sum));
      assert.equal(sum.late, 0);
      assert.ok(sum.faults > 0 && sum.answers > 0, 'some replies were late, and some in time');
      assert.equal((await askAll(auth, crowd)).faults, 0);
      await assertCharges(judge, crowd);
    });
  });
}

describe('no caller gets the reply to another call', async () => {
  const skip = await missing('redis');

  it('when all replies are late, and later replies are in time again', { skip }, async (t) => {
    const { proxy, auth, judge, live } = await faulty(t);
    const crowd = await people(judge, 30);
    proxy.delay(600);
    assert.equal((await askAll(auth, crowd)).faults, 4 * crowd.length);
    await proxy.pass();
    await recovered(auth, live);
    assert.equal((await askAll(auth, crowd)).faults, 0);
    await assertCharges(judge, crowd);
  });

  it('when the bytes come slowly, a few at a time', { skip }, async (t) => {
    const { proxy, auth, judge, live } = await faulty(t, { store: { commandTimeout: '20s' } });
    const crowd = await people(judge, 20);
    proxy.slow(50_000);
    assert.equal((await askAll(auth, crowd)).faults, 0);
    await proxy.pass();
    await recovered(auth, live);
    await assertCharges(judge, crowd);
  });
});
