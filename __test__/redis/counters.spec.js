// Counters and once() on real servers: the races, lost replies and retries, a process that is killed, and the
// remaining data.
'use strict';

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const { fault, open, unique } = require('../support/auths.js');
const { runScript } = require('../support/child.js');
const { faulty, recovered } = require('../support/faulty.js');
const { token } = require('../support/jwt.js');
const { startProxy } = require('../support/proxy.js');
const { RACES } = require('../support/races/counters.js');
const { KINDS, missing, startServer } = require('../support/servers.js');
const { until } = require('../support/started.js');

/** The manual trial uses a million. */
const MANY = 20_000;
const BLOCK = 50;
const MOVE = [
  { name: 'from', delta: -1 },
  { name: 'to', delta: 1 },
];

for (const { kind, name } of KINDS) {
  describe(`on ${name}`, async () => {
    const skip = await missing(kind);

    for (const { rule, racers, run, check } of RACES) {
      it(`${rule} (${racers} racers)`, { skip }, async (t) => {
        const server = await startServer(t, { kind });
        check(await run(server.url(), racers));
      });
    }

    it('each call is one command', { skip }, async (t) => {
      const server = await startServer(t, { kind });
      const proxy = await startProxy(t, { port: server.port });
      const auth = open(t, { store: proxy.url, sessions: { admission: 'first-use' } });
      const user = unique();
      const answer = await auth.authenticate({ token: token({ sub: user, sid: 's' }) });
      assert.ok(answer.ok);
      const own = answer.auth;
      const calls = [
        () => auth.counters.add(user, 'c', 1, { min: 0 }),
        () => auth.counters.add(user, 'c', 1, { idempotencyKey: 'k' }),
        () => auth.counters.apply(user, MOVE, { auth: own }),
        () => auth.counters.apply(user, MOVE, { auth: own, idempotencyKey: 'l' }),
        () => auth.counters.get(user, 'c'),
        () => auth.once('k', { by: 'a', ttl: '1h' }),
        () => auth.onceRelease('k', 'b'),
      ];
      for (const call of calls) await call();
      for (const call of calls) {
        proxy.commands = {};
        await call();
        const { ping, ...sent } = proxy.commands;
        assert.deepEqual(sent, { evalsha: 1 }, String(call));
      }
    });

    it('counters and keys of once() without ttl have no expiry, and are deleted with their value', {
      skip,
    }, async (t) => {
      const server = await startServer(t, { kind });
      const auth = open(t, { store: server.url() });
      const user = unique();
      await auth.ready();
      const before = await server.keys();
      await auth.counters.get(user, 'c');
      await auth.counters.add(user, 'c', 1, { max: 0, idempotencyKey: 'k' });
      await auth.onceRelease('key', 'a');
      assert.deepEqual(await server.keys(), before, 'reads and denials leave no data');
      await auth.counters.add(user, 'c', 1, { idempotencyKey: 'k' });
      await auth.once('key', { by: 'a' });
      await auth.once('other key', { by: 'a', ttl: '1h' });
      const ends = async () => {
        /** @type {Record<string, number>} */
        const kinds = {};
        for (const key of await server.keys()) kinds[key.split(':')[2]] = await server.command('PTTL', key);
        return kinds;
      };
      const { c, ic, o } = await ends();
      assert.equal(c, -1);
      assert.ok(ic > 0 && ic <= 25 * 3_600_000);
      assert.ok(o === -1 || (o > 0 && o <= 3_600_000));
      const endless = (
        await Promise.all((await server.keys()).map((key) => server.command('PTTL', key)))
      ).filter((end) => end === -1);
      assert.equal(endless.length, 2);
      await auth.counters.add(user, 'c', -1);
      await auth.onceRelease('key', 'a');
      assert.equal((await ends()).c, undefined);
      assert.equal((await server.keys()).length, 2, 'the answer and the other key, which expire');
    });

    it(`${MANY} counters that are 0 again, and the same number of expired keys, leave no data`, {
      skip,
    }, async (t) => {
      const server = await startServer(t, { kind });
      const auth = open(t, { store: { url: server.url(), commandTimeout: '30s' } });
      for (const delta of [1, -1]) {
        const calls = Array.from({ length: MANY / BLOCK }, (_each, block) =>
          auth.counters.apply(
            `user ${block % 100}`,
            Array.from({ length: BLOCK }, (_one, index) => ({ name: `${block} ${index}`, delta })),
          ),
        );
        assert.ok((await Promise.all(calls)).every(({ applied }) => applied));
      }
      assert.deepEqual(await server.keys(), []);
      for (let at = 0; at < MANY; at += 5000) {
        const taken = Array.from({ length: 5000 }, (_each, index) =>
          auth.once(`${at + index}`, { ttl: 300 }),
        );
        assert.ok((await Promise.all(taken)).every(Boolean));
      }
      await until('all keys are gone', async () => (await server.keys()).length === 0);
    });
  });
}

describe('when the reply is lost after the server ran the call,', async () => {
  const skip = await missing('redis');

  for (const cut of [true, false]) {
    it(`a retry under the same idempotency key returns what was done once (${cut ? 'connection cut' : 'silence'})`, {
      skip,
    }, async (t) => {
      const { proxy, auth, judge, live } = await faulty(t);
      const user = unique();
      const add = (/** @type {string} */ idempotencyKey) =>
        auth.counters.add(user, 'c', 3, { max: 9, idempotencyKey });
      await add('warm');
      proxy.loseReplies(1, { cut });
      await assert.rejects(add('k'), fault('STORE_TIMEOUT'));
      assert.equal(proxy.lost, 1);
      await recovered(auth, live);
      assert.deepEqual(await add('k'), { applied: true, value: 6, replayed: true });
      assert.equal(await judge.counters.get(user, 'c'), 6);

      await auth.once('warm', { by: 'a' });
      proxy.loseReplies(1, { cut });
      await assert.rejects(auth.once(user, { by: 'a' }), fault('STORE_TIMEOUT'));
      await recovered(auth, live);
      assert.equal(await auth.once(user, { by: 'a' }), true);
      assert.equal(await judge.once(user, { by: 'b' }), false);
    });
  }
});

describe('a process that is killed during 500 transfers', async () => {
  const skip = await missing('redis');
  const TRANSFERS = 500;
  const AT_ONCE = 20;

  it('leaves each transfer complete or not made, and a retry makes the others', { skip }, async (t) => {
    const server = await startServer(t);
    const judge = open(t, { store: server.url() });
    const user = unique();
    const script = `
      const auth = latchgate.createAuth({ store: ${JSON.stringify(server.url())}, jwt: { secret: SECRET } });
      let next = 0;
      let done = 0;
      await Promise.all(Array.from({ length: ${AT_ONCE} }, async () => {
        while (next < ${TRANSFERS}) {
          const idempotencyKey = String(next++);
          await auth.counters.apply(${JSON.stringify(user)}, ${JSON.stringify(MOVE)}, { idempotencyKey });
          if (++done === ${TRANSFERS / 2}) process.kill(process.pid, 'SIGKILL');
        }
      }));`;
    const ending = await runScript(script);
    assert.equal(ending.signal, 'SIGKILL', ending.stderr);
    const { values } = await judge.counters.apply(user, [
      { name: 'from', delta: 0 },
      { name: 'to', delta: 0 },
    ]);
    assert.equal(values.from + values.to, 0);
    assert.ok(values.to >= TRANSFERS / 2 && values.to <= TRANSFERS / 2 + AT_ONCE, `${values.to}`);
    const again = await Promise.all(
      Array.from({ length: TRANSFERS }, (_each, index) =>
        judge.counters.apply(user, MOVE, { idempotencyKey: String(index) }),
      ),
    );
    assert.ok(again.filter(({ replayed }) => replayed).length >= values.to);
    assert.equal(await judge.counters.get(user, 'to'), TRANSFERS);
    assert.equal(await judge.counters.get(user, 'from'), -TRANSFERS);
  });
});
