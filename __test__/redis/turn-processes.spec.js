// Turns across processes on one server, behind Sentinels and in a Cluster. No update under a turn is lost. The turns
// survive processes that are stopped, processes that are killed, and revoked users. The data of the updates is on a
// separate server.
'use strict';

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const { fault, open, unique } = require('../support/auths.js');
const { token } = require('../support/jwt.js');
const { request, requests, startProcesses, statuses } = require('../support/processes.js');
const { KINDS, missing, startServer } = require('../support/servers.js');
const { until } = require('../support/started.js');
const { TOPOLOGIES, shared } = require('../support/topologies.js');
const { areGrowing, held } = require('../support/turns.js');

const PROCESSES = 4;
const INCREMENTS = 1000;
const OPTIONS = { sessions: { admission: /** @type {const} */ ('first-use') } };

/** @typedef {{ url: string, nodes: import('../support/servers.js').RealServer[] }} Store */

/** @type {Array<{ name: string, missing: () => Promise<string | false>, start: (t: import('../support/started.js').Test) => Promise<Store> }>} */
const STORES = [
  ...KINDS.map(({ kind, name }) => ({
    name,
    missing: () => missing(kind),
    start: async (/** @type {import('../support/started.js').Test} */ t) => {
      const server = await startServer(t, { kind });
      return { url: server.url(), nodes: [server] };
    },
  })),
  ...TOPOLOGIES.map(({ name, missing, start }) => ({
    name,
    missing,
    start: async (/** @type {import('../support/started.js').Test} */ t) => {
      const servers = await start(t);
      return { url: servers.url(), nodes: servers.nodes };
    },
  })),
];

/** @param {import('node:test').TestContext} t @param {Store} store @param {import('../support/servers.js').RealServer} data */
async function site(t, { url, nodes }, data) {
  const env = { STORE: url, DATA: String(data.port) };
  const { port, workers } = await startProcesses(t, { app: 'turns.js', count: PROCESSES, env });
  const value = async (/** @type {string} */ name) => Number(await data.command('GET', `test:${name}`));
  /** Fences of the former and current holders of a turn, in order. @param {string} name @returns {Promise<number[]>} */
  const holders = async (name) => (await data.command('LRANGE', `test:holders:${name}`, 0, -1)).map(Number);
  /**
   * Runs a command on a key of the only queue, or returns undefined if there is no queue.
   * @param {string} kind of its key
   * @param {string} command
   * @param {Array<string | number>} words that follow the key
   */
  const ask = async (kind, command, ...words) => {
    for (const node of nodes) {
      if ((await node.command('ROLE'))[0] !== 'master') continue;
      const key = (await node.keys()).find((each) => each.split(':')[2] === kind);
      if (key !== undefined) return node.command(command, key, ...words);
    }
    return undefined;
  };
  /** Returns the number of waiters for the key that the test locks. */
  const waiting = async () => (await ask('lq', 'ZCARD')) ?? 0;
  return { url, data, port, workers, value, holders, waiting, ask };
}

for (const { name, missing, start } of STORES) {
  describe(`${PROCESSES} processes on ${name}`, async () => {
    const skip = await missing();
    const store = shared(start, skip);
    const beside = shared((t) => startServer(t), skip);

    it(`make ${INCREMENTS} increments of ${INCREMENTS} under a lock, and fewer without`, {
      skip,
    }, async (t) => {
      const { port, value } = await site(t, store(), beside());
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
      assert.ok(lost > 0, 'without a lock some increments are lost, as the test requires');
    });

    it('serialize the requests of each user, and of several users concurrently', { skip }, async (t) => {
      const { port, value } = await site(t, store(), beside());
      const users = Array.from({ length: 5 }, () => unique());
      const questions = Array.from({ length: 400 }, (_each, n) => {
        const sub = users[n % users.length];
        return { port, method: 'POST', path: `/serialized/${sub}`, token: token({ sub, sid: 's' }) };
      });
      assert.deepEqual(statuses(await requests(questions, 200)), { 200: 400 });
      assert.deepEqual(await Promise.all(users.map(value)), [80, 80, 80, 80, 80]);
    });

    it('write nothing for a user after the barrier of the revocation', { skip }, async (t) => {
      const { url, workers, value } = await site(t, store(), beside());
      const auth = open(t, { store: url, ...OPTIONS });
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
      await until('some requests have written', async () => (await value(user)) > 20);
      await auth.tokens.revokeUser(user, { barrier: true, wait: '50s' });
      const written = [await value(user), await value(`${user}:sum`)];
      const counts = statuses(await all);
      assert.deepEqual([await value(user), await value(`${user}:sum`)], written);
      assert.equal(written[0], written[1]);
      assert.deepEqual(counts, { 200: written[0], 401: 500 - written[0] });
      assert.ok(written[0] < 500, 'the revocation came during the requests');
    });

    it('pass on the turn of a process that is stopped beyond its lease, which learns of the loss when it resumes', {
      skip,
    }, async (t) => {
      const { data, workers, holders } = await site(t, store(), beside());
      const key = unique('key');
      const path = `/hold/${key}?ttl=500`;
      const [first, second] = workers;
      const post = (/** @type {import('../support/processes.js').Worker} */ { port }, route = path) =>
        request({ port, method: 'POST', path: route });
      const stopped = post(first);
      await until('it holds', async () => (await holders(key)).length === 1);
      process.kill(first.pid, 'SIGSTOP');
      const next = post(second);
      await until('the next process holds', async () => (await holders(key)).length === 2);
      process.kill(first.pid, 'SIGCONT');
      await post(first, '/leave');
      const failed = () => data.command('LRANGE', `test:failed:${key}`, 0, -1);
      await until('it knows', async () => (await failed()).length === 1);
      assert.deepEqual(await failed(), ['ERR_LATCHGATE_LEASE_LOST']);
      assert.equal((await stopped).status, 200);
      await post(second, '/leave');
      assert.equal((await next).body.aborted, false);
      assert.ok(areGrowing(await holders(key)));
    });

    it('skip a stopped waiter, which has kept its place when it resumes', {
      skip,
    }, async (t) => {
      const { url, workers, holders, waiting, ask } = await site(t, store(), beside());
      const auth = open(t, { store: url });
      const key = unique('key');
      const [stopped] = workers;
      const patient = { ttl: '1h', maxHold: '1h', wait: '1h' };
      const hold = () => held((/** @type {any} */ work) => auth.locks.runExclusive(key, work, patient));
      const line = () => ask('lq', 'ZRANGE', 0, -1);
      // The turn is reserved for a waiter that does not react. A caller that asks after the reservation causes the
      // next waiter to be woken.
      const look = () => auth.locks.acquire(key, { wait: 0 }).then((lease) => lease.release(), fault('BUSY'));
      const first = await hold();
      const passedOver = request({ port: stopped.port, method: 'POST', path: `/hold/${key}?ttl=5000` });
      await until('it waits', async () => (await waiting()) === 1);
      const [ticket] = await line();
      process.kill(stopped.pid, 'SIGSTOP');
      /** @type {number[]} */
      const entered = [];
      const [second, third] = [2, 3].map(async (n) => {
        const holder = await hold();
        entered.push(n);
        return holder;
      });
      await until('all wait', async () => (await waiting()) === 3);
      first.leave();
      await first.done;
      await until('the next waiter holds', async () => (await look()) && entered.length > 0);
      const next = await second;
      assert.deepEqual([entered, await holders(key)], [[2], []]);
      assert.equal(await waiting(), 2);
      process.kill(stopped.pid, 'SIGCONT');
      // The stopped waiter was woken while it was stopped, and now asks. After that, only the two tickets are
      // recorded.
      await until('the stopped waiter has asked', async () => (await ask('lw', 'HLEN')) === 2);
      assert.equal((await line())[0], ticket, 'the ticket is still before the third ticket');
      next.leave();
      await next.done;
      // If the process was stopped for long enough that it must subscribe again, the third waiter may get the turn
      // first.
      const last = third.then(({ lease, leave, done }) => {
        leave();
        return done.then(() => lease.fence);
      });
      await until('it holds', async () => (await look()) && (await holders(key)).length === 1);
      await request({ port: stopped.port, method: 'POST', path: '/leave' });
      assert.equal((await passedOver).body.aborted, false);
      const [fence] = await holders(key);
      assert.ok(areGrowing([first.lease.fence, next.lease.fence, Math.min(fence, await last)]));
    });

    it('skip killed processes, both holders and waiters', { skip }, async (t) => {
      const { url, workers, holders, waiting } = await site(t, store(), beside());
      const auth = open(t, { store: url });
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
