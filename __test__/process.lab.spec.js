// Events that a process must survive: panics, threads that end during calls, and stores that answer late. Also:
// memory that must be freed.
'use strict';

const assert = require('node:assert/strict');
const { after, describe, it } = require('node:test');
const { Worker } = require('node:worker_threads');
const { newStore, open, unique } = require('./support/auths.js');
const { runScript } = require('./support/child.js');
const { HOUR, MINUTE, START, backdoor, clock, panicForTest } = require('./support/lab.js');
const { fresh, sign } = require('./support/jwt.js');

after(() => clock.release());

describe('a pending call', () => {
  it('keeps the process alive until it completes, and no longer', async () => {
    const ending = await runScript(`
      const auth = latchgate.createAuth({ store: 'test-deferred:x?gate=2', jwt: { secret: SECRET } });
      auth.sessions.admit('u').then(({ admitted }) => console.log(admitted));
    `);
    assert.deepEqual([ending.status, ending.stdout, ending.stderr], [0, 'true\n', '']);
  });

  it('delays close(), and further calls are refused meanwhile', async (t) => {
    const auth = open(t, { store: `${newStore('test-deferred:')}?gate=3` });
    const user = unique();
    /** @type {string[]} */
    const order = [];
    const pending = [auth.sessions.admit(user), auth.sessions.admit(user)].map((call) =>
      call.then(() => order.push('call')),
    );
    const closing = auth.close().then(() => order.push('close'));
    await assert.rejects(auth.sessions.admit(user), { code: 'ERR_LATCHGATE_CLOSED' });
    await Promise.all([...pending, closing]);
    assert.deepEqual(order, ['call', 'call', 'close']);
  });

  it('causes no late error, even if close() follows immediately', async () => {
    const ending = await runScript(`
      for (let round = 0; round < 1500; round++) {
        const auth = latchgate.createAuth({ store: 'test-deferred:x', jwt: { secret: SECRET } });
        const calls = Array.from({ length: 20 }, (_, user) => auth.sessions.admit('u' + user));
        await calls[round % 20];
        await auth.close();
        await Promise.all(calls);
      }
      console.log('done');
    `);
    assert.deepEqual([ending.status, ending.stdout, ending.stderr], [0, 'done\n', '']);
  });

  it('of a terminated thread does not affect the other threads', async (t) => {
    const store = `${newStore('test-deferred:')}?gate=60`;
    const auth = open(t, { store });
    const script = `
      const { parentPort, workerData } = require('node:worker_threads');
      const auth = require('latchgate').createAuth({ store: workerData.store, jwt: { secret: workerData.secret } });
      for (let n = 0; n < 10; n++) auth.sessions.admit(workerData.user).catch(() => {});
      parentPort.postMessage('asked');
    `;
    const user = unique();
    for (let count = 0; count < 5; count++) {
      const workerData = { store, user, secret: 's'.repeat(64) };
      const worker = new Worker(script, { eval: true, workerData });
      await new Promise((resolve) => worker.once('message', resolve));
      await worker.terminate();
    }
    const admissions = await Promise.all(Array.from({ length: 10 }, () => auth.sessions.admit(user)));
    assert.ok(admissions.every(({ admitted }) => admitted));
    const [sessions] = await Promise.all([
      auth.sessions.list(user),
      ...Array.from({ length: 59 }, () => auth.ready()),
    ]);
    assert.equal(sessions.length, 60);
  });
});

describe('a panic inside the addon', () => {
  it('is an error, and the process continues', async (t) => {
    for (let count = 0; count < 3; count++) {
      assert.throws(
        panicForTest,
        (/** @type {any} */ error) => /^ERR_LATCHGATE_/.test(error.code) && error instanceof Error,
      );
    }
    const auth = open(t);
    assert.equal((await auth.sessions.admit(unique())).admitted, true);
  });
});

describe('memory', () => {
  /** @param {ReturnType<typeof backdoor>} store */
  function sweepAll(store) {
    // One sweep covers a slice. Continue until a whole round removes nothing.
    let removed = 0;
    for (let idle = 0; idle < 5000; ) {
      const gone = store.sweep();
      removed += gone;
      idle = gone === 0 ? idle + 1 : 0;
    }
    return removed;
  }

  it('of 200,000 users with expired sessions is freed by sweeps', async (t) => {
    clock.set(START);
    const url = newStore('memory:');
    const auth = open(t, { store: url, sessions: { idleTimeout: '1m', absoluteTimeout: '5m' } });
    const store = backdoor(url);
    for (let user = 0; user < 200_000; user++) await auth.sessions.admit(`user-${user}`);
    clock.advance(30 * HOUR);
    const removed = sweepAll(store);
    assert.equal(removed, 200_000);
    assert.equal(store.dump(), '');
  });

  it('of revoked tokens, epochs, blocks and generations is freed when they no longer have an effect', async (t) => {
    clock.set(START);
    const url = newStore('memory:');
    const auth = open(t, { store: url, sessions: { admission: 'first-use' } });
    const store = backdoor(url);
    for (let index = 0; index < 200; index++) {
      const user = unique();
      await auth.tokens.issue(user);
      await auth.tokens.revokeId({ jti: unique('j'), userId: user, expiresAt: START + MINUTE });
      await auth.tokens.revoke(sign(fresh({ sub: user }, START)));
      await auth.tokens.revokeUser(user);
      await auth.authenticate({ token: sign(fresh({ sub: unique(), sid: 's' }, START)) });
      await auth.sessions.admit(user);
      await auth.sessions.endAll(user);
      await auth.tokens.blockUser(user, { until: START + HOUR });
    }
    assert.notEqual(store.dump(), '');
    clock.advance(60 * HOUR);
    sweepAll(store);
    assert.equal(store.dump(), '');
  });

  it('is not used by denials, unknown users and invalid tokens', async (t) => {
    clock.set(START);
    const url = newStore('memory:');
    const auth = open(t, { store: url, sessions: {} });
    const store = backdoor(url);
    for (let index = 0; index < 2000; index++) {
      const userId = unique();
      await auth.authenticate({ token: sign(fresh({ sub: userId }, START)) });
      await auth.sessions.touch(userId, 's');
      await auth.sessions.end(userId, 's');
      await auth.sessions.list(userId);
      await auth.tokens.unblockUser(userId);
      await auth.tokens.isRevoked({ jti: 'j', userId });
      await auth.sessions.admit(userId, { limit: 0 });
    }
    assert.equal(store.dump(), '');
  });

  it('of a permanent block and of live records survives every sweep', async (t) => {
    clock.set(START);
    const url = newStore('memory:');
    const auth = open(t, { store: url });
    const store = backdoor(url);
    const [blocked, live, revoked] = [unique(), unique(), unique()];
    await auth.tokens.blockUser(blocked);
    await auth.sessions.admit(live, { sessionId: 's', idleTimeout: '10d', absoluteTimeout: '10d' });
    await auth.tokens.revokeId({ jti: 'j', userId: revoked, expiresAt: START + 30 * HOUR });
    clock.advance(29 * HOUR);
    sweepAll(store);
    assert.equal((await auth.sessions.list(live)).length, 1);
    assert.equal(await auth.tokens.isRevoked({ jti: 'j', userId: revoked }), true);
    clock.advance(1000 * 24 * HOUR);
    sweepAll(store);
    assert.equal((await auth.sessions.admit(blocked)).admitted, false);
  });
});
