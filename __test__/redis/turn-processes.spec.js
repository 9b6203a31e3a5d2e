// Turns across processes: what is read and written back under them counts, to the last one; and what becomes of them when
// processes are stopped, killed, or their user is revoked.
'use strict';

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const { open, unique } = require('../support/auths.js');
const { token } = require('../support/jwt.js');
const { request, requests, startProcesses, statuses } = require('../support/processes.js');
const { KINDS, missing, startServer } = require('../support/servers.js');
const { until } = require('../support/started.js');
const { areGrowing, held } = require('../support/turns.js');

const PROCESSES = 4;
const INCREMENTS = 1000;
const OPTIONS = { sessions: { admission: /** @type {const} */ ('first-use') } };

/** @param {import('node:test').TestContext} t @param {'redis' | 'valkey'} kind */
async function site(t, kind) {
  const server = await startServer(t, { kind });
  const env = { STORE: server.url() };
  const { port, workers } = await startProcesses(t, { app: 'turns.js', count: PROCESSES, env });
  const value = async (/** @type {string} */ name) => Number(await server.command('GET', `test:${name}`));
  /** Fences of those who have held a turn, in their order. @param {string} name @returns {Promise<number[]>} */
  const holders = async (name) => (await server.command('LRANGE', `test:holders:${name}`, 0, -1)).map(Number);
  /** How many wait for the key that the test locks. */
  const waiting = async () => {
    const line = (await server.keys()).find((each) => each.split(':')[2] === 'lq');
    return line === undefined ? 0 : server.command('ZCARD', line);
  };
  return { server, port, workers, value, holders, waiting };
}

for (const { kind, name } of KINDS) {
  describe(`${PROCESSES} processes on ${name}`, async () => {
    const skip = await missing(kind);

    it(`make ${INCREMENTS} increments of ${INCREMENTS} under a lock, and fewer without`, {
      skip,
    }, async (t) => {
      const { port, value } = await site(t, kind);
      const post = (/** @type {string} */ path) =>
        requests(
          Array.from({ length: INCREMENTS }, () => ({ port, method: 'POST', path })),
          200,
        );
      const [key, bare] = [unique('key'), unique('bare')];
      const answers = await post(`/locked/${key}`);
      assert.deepEqual(statuses(answers), { 200: INCREMENTS });
      assert.equal(await value(key), INCREMENTS);
      assert.equal(new Set(answers.map(({ body }) => body.fence)).size, INCREMENTS);
      await post(`/bare/${bare}`);
      const lost = INCREMENTS - (await value(bare));
      assert.ok(lost > 0, 'the test shows nothing where nothing is lost without a lock');
    });

    it('serialize the requests of each user, and those of several at once', { skip }, async (t) => {
      const { port, value } = await site(t, kind);
      const users = Array.from({ length: 5 }, () => unique());
      const questions = Array.from({ length: 400 }, (_each, n) => {
        const sub = users[n % users.length];
        return { port, method: 'POST', path: `/serialized/${sub}`, token: token({ sub, sid: 's' }) };
      });
      assert.deepEqual(statuses(await requests(questions, 200)), { 200: 400 });
      assert.deepEqual(await Promise.all(users.map(value)), [80, 80, 80, 80, 80]);
    });

    it('write nothing for a user once the barrier behind the revocation is passed', { skip }, async (t) => {
      const { server, workers, value } = await site(t, kind);
      const auth = open(t, { store: server.url(), ...OPTIONS });
      const user = unique();
      const text = token({ sub: user, sid: 's' });
      const all = requests(
        Array.from({ length: 500 }, (_each, n) => ({
          port: workers[n % workers.length].port,
          method: 'POST',
          path: `/guarded/${user}`,
          token: text,
        })),
        500,
      );
      await until('some have written', async () => (await value(user)) > 20);
      await auth.tokens.revokeUser(user, { barrier: true, wait: '50s' });
      const written = [await value(user), await value(`${user}:sum`)];
      const counts = statuses(await all);
      assert.deepEqual([await value(user), await value(`${user}:sum`)], written);
      assert.equal(written[0], written[1]);
      assert.deepEqual(counts, { 200: written[0], 401: 500 - written[0] });
      assert.ok(written[0] < 500, 'it came among them');
    });

    it('pass on the turn of one that is stopped beyond its lease, which knows when it goes on', {
      skip,
    }, async (t) => {
      const { server, workers, holders } = await site(t, kind);
      const key = unique('key');
      const path = `/hold/${key}?ttl=500`;
      const [first, second] = workers;
      const post = (/** @type {import('../support/processes.js').Worker} */ { port }, route = path) =>
        request({ port, method: 'POST', path: route });
      const stopped = post(first);
      await until('it holds', async () => (await holders(key)).length === 1);
      process.kill(first.pid, 'SIGSTOP');
      const next = post(second);
      await until('the next holds', async () => (await holders(key)).length === 2);
      process.kill(first.pid, 'SIGCONT');
      await post(first, '/leave');
      const failed = () => server.command('LRANGE', `test:failed:${key}`, 0, -1);
      await until('it knows', async () => (await failed()).length === 1);
      assert.deepEqual(await failed(), ['ERR_LATCHGATE_LEASE_LOST']);
      assert.equal((await stopped).status, 200);
      await post(second, '/leave');
      assert.equal((await next).body.aborted, false);
      assert.ok(areGrowing(await holders(key)));
    });

    it('pass over one that is stopped while it waits, which has kept its place when it goes on', {
      skip,
    }, async (t) => {
      const { server, workers, holders, waiting } = await site(t, kind);
      const auth = open(t, { store: server.url() });
      const key = unique('key');
      const [stopped] = workers;
      const ttl = { ttl: '1h', maxHold: '1h', wait: '1h' };
      const hold = () => held((/** @type {any} */ work) => auth.locks.runExclusive(key, work, ttl));
      const first = await hold();
      const passedOver = request({ port: stopped.port, method: 'POST', path: `/hold/${key}?ttl=5000` });
      await until('it waits', async () => (await waiting()) === 1);
      process.kill(stopped.pid, 'SIGSTOP');
      const second = hold();
      const third = hold();
      await until('all wait', async () => (await waiting()) === 3);
      first.leave();
      const next = await second;
      assert.deepEqual(await holders(key), []);
      assert.equal(await waiting(), 2);
      process.kill(stopped.pid, 'SIGCONT');
      // It was woken while it stood still, and asks: then nothing is noted but the two tickets.
      const waiters = String((await server.keys()).find((each) => each.split(':')[2] === 'lw'));
      await until('it has asked', async () => (await server.command('HLEN', waiters)) === 2);
      next.leave();
      await until('it holds', async () => (await holders(key)).length === 1);
      await request({ port: stopped.port, method: 'POST', path: '/leave' });
      assert.equal((await passedOver).body.aborted, false);
      const last = await third;
      last.leave();
      assert.ok(areGrowing([first.lease.fence, next.lease.fence, ...(await holders(key)), last.lease.fence]));
      await Promise.all([first.done, next.done, last.done]);
    });

    it('pass over those that are killed, as holders and as waiters', { skip }, async (t) => {
      const { server, workers, holders, waiting } = await site(t, kind);
      const auth = open(t, { store: server.url() });
      const key = unique('key');
      const path = `/hold/${key}?ttl=500`;
      const [holder, waiter] = workers;
      request({ port: holder.port, method: 'POST', path });
      await until('it holds', async () => (await holders(key)).length === 1);
      for (let n = 1; n <= 5; n++) {
        request({ port: waiter.port, method: 'POST', path });
        await until(`${n} wait`, async () => (await waiting()) === n);
      }
      const last = auth.locks.runExclusive(key, ({ fence }) => fence, { wait: '50s' });
      await until('all wait', async () => (await waiting()) === 6);
      process.kill(waiter.pid, 'SIGKILL');
      process.kill(holder.pid, 'SIGKILL');
      const fence = await last;
      const before = await holders(key);
      assert.equal(before.length, 1);
      assert.ok(areGrowing([...before, fence]));
    });
  });
}
