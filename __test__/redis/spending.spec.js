// Charges across processes and failures: a process that dies during its charges, and a retry after a lost reply.
// Another process opens receipts, and a server loses the receipt key.
'use strict';

const assert = require('node:assert/strict');
const { once } = require('node:events');
const net = require('node:net');
const { describe, it } = require('node:test');
const { serve } = require('../support/app.js');
const { open, unique } = require('../support/auths.js');
const { runScript } = require('../support/child.js');
const { faulty } = require('../support/faulty.js');
const { get } = require('../support/http.js');
const { token } = require('../support/jwt.js');
const { KINDS, missing, startServer } = require('../support/servers.js');
const { until } = require('../support/started.js');

const CHARGES = 1000;
const COST = 3;
const RULE = { limit: 10 * CHARGES, window: '1h' };

/**
 * Returns a script that charges a thousand times under a thousand idempotency keys, and prints a line after each
 * hundred.
 * @param {string} store
 * @param {string} key
 */
const script = (store, key) => `
  const auth = latchgate.createAuth({ store: ${JSON.stringify(store)}, jwt: { secret: SECRET } });
  const rule = ${JSON.stringify(RULE)};
  let replayed = 0;
  let done = 0;
  const charge = async (n) => {
    const told = await auth.quotas.consume(${JSON.stringify(key)}, rule, { cost: ${COST}, idempotencyKey: 'i' + n });
    if (told.replayed) replayed++;
    if (++done % 100 === 0) console.log('done ' + done);
  };
  for (let n = 0; n < ${CHARGES}; n += 10) await Promise.all(Array.from({ length: 10 }, (_each, i) => charge(n + i)));
  console.log('replayed ' + replayed);
  await auth.close();`;

for (const { kind, name } of KINDS) {
  describe(`on ${name}`, async () => {
    const skip = await missing(kind);

    it('a process that is killed during its charges leaves whole charges, and another process makes the missing charges', {
      skip,
    }, async (t) => {
      const server = await startServer(t, { kind });
      const key = unique('key');
      const auth = open(t, { store: server.url() });
      const used = async () => RULE.limit - (await auth.quotas.peek(key, RULE)).remaining;
      const killed = await runScript(script(server.url(), key), {
        onLine: (line, child) => void (line === 'done 300' && child.kill('SIGKILL')),
      });
      assert.equal(killed.signal, 'SIGKILL');
      const before = await used();
      assert.equal(before % COST, 0);
      assert.ok(before >= 300 * COST && before < CHARGES * COST, `${before} used`);
      const { status, stdout, stderr } = await runScript(script(server.url(), key));
      assert.equal(status, 0, stderr);
      assert.equal(await used(), CHARGES * COST);
      assert.equal(Number(/replayed (\d+)/.exec(stdout)?.[1]), before / COST);
    });

    it('a charge whose reply is lost is replayed to a retry', { skip }, async (t) => {
      const { proxy, auth, judge, live } = await faulty(t, { server: { kind } });
      const key = unique('key');
      const options = { cost: COST, idempotencyKey: 'i' };
      await auth.quotas.consume(unique('warm'), RULE);
      proxy.loseReplies(1);
      await assert.rejects(auth.quotas.consume(key, RULE, options), { code: 'ERR_LATCHGATE_STORE_TIMEOUT' });
      await until('it recovers', async () => (await auth.authenticate({ token: live })).ok);
      const again = await auth.quotas.consume(key, RULE, options);
      assert.deepEqual([again.replayed, again.remaining], [true, RULE.limit - COST]);
      assert.equal((await judge.quotas.peek(key, RULE)).remaining, RULE.limit - COST);
      assert.equal(
        await judge.quotas.refund(again.receipt ?? ''),
        true,
        'its receipt is valid in another process',
      );
    });

    it('receipts stay valid after the server has lost their key', { skip }, async (t) => {
      const { server, proxy, auth, live } = await faulty(t, { server: { kind } });
      await auth.quotas.consume(unique('key'), RULE);
      const sealed = await server.command('GET', 'lg:mac');
      await server.command('FLUSHALL');
      proxy.loseReplies(1);
      await auth.authenticate({ token: live });
      await until('it recovers', async () => (await auth.authenticate({ token: live })).ok);
      const { receipt = '' } = await auth.quotas.consume(unique('key'), RULE);
      await until(
        'the server gets the key again',
        async () => (await server.command('GET', 'lg:mac')) === sealed,
      );
      assert.equal(await open(t, { store: server.url() }).quotas.refund(receipt), true);
    });

    it('a request whose client disconnects during the check is charged once at most', { skip }, async (t) => {
      const { server, proxy, auth, user, live } = await faulty(t, {
        server: { kind },
        store: { commandTimeout: '10s' },
      });
      const policy = { quota: { ...RULE, name: unique() } };
      /** @type {Promise<unknown>[]} */
      const closed = [];
      const port = await serve(t, (app) => {
        app.use((/** @type {any} */ req, /** @type {any} */ _res, /** @type {any} */ next) => {
          closed.push(once(req.socket, 'close'));
          next();
        });
        app.use(auth.middleware(policy));
        app.get('/', (_req, res) => void res.sendStatus(200));
      });
      assert.equal((await get(port, '/', live)).status, 200);
      const held = proxy.hold(([name]) => /^eval/i.test(name));
      const socket = net.connect(port, '127.0.0.1');
      socket.write(`GET / HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer ${live}\r\n\r\n`);
      const release = await held;
      socket.destroy();
      await closed[1];
      release();
      const judge = open(t, { store: server.url(), sessions: { admission: 'first-use' } });
      const left = async () => {
        const answer = await judge.authenticate({ token: live }, { quota: { ...policy.quota, cost: 0 } });
        return answer.ok ? answer.auth.quota?.remaining : assert.fail(`${user}: ${answer.code}`);
      };
      await until('the request is charged', async () => (await left()) === RULE.limit - 2);
      await auth.close();
      assert.equal(await left(), RULE.limit - 2);
    });

    it('a quota that the server has lost starts again, and has an expiry', { skip }, async (t) => {
      const server = await startServer(t, { kind });
      const { quotas } = open(t, { store: server.url() });
      const [key, rule] = [unique('key'), { limit: 2, window: '1h' }];
      const { receipt = '' } = await quotas.consume(key, rule);
      await quotas.consume(key, rule);
      assert.equal((await quotas.consume(key, rule)).allowed, false);
      const [counter] = await server.command('KEYS', `lg:{*}:qw:*`);
      await server.command('DEL', counter);
      assert.equal(await quotas.refund(receipt), false);
      assert.equal((await quotas.peek(key, rule)).remaining, 2);
      assert.equal(await server.command('EXISTS', counter), 0, 'neither call leaves data');
      assert.equal((await quotas.consume(key, rule)).remaining, 1);
      assert.ok((await server.command('PTTL', counter)) > 0);
    });

    it('an admitted session stays if a quota of another slot denies, and every event is emitted', {
      skip,
    }, async (t) => {
      const server = await startServer(t, { kind });
      const sessions = { limit: 1, onLimit: /** @type {const} */ ('evict-oldest') };
      const auth = open(t, { store: server.url(), sessions: { ...sessions, admission: 'first-use' } });
      const policy = { quota: { limit: 1, name: 'apart', by: () => 'all' } };
      const userId = unique();
      /** @type {any[]} */
      const heard = [];
      for (const name of /** @type {const} */ (['evicted', 'admitted', 'denied']))
        auth.on(name, (/** @type {any} */ { type, sessionId }) => heard.push(`${type} ${sessionId}`));
      const port = await serve(t, (app) => app.get('/', auth.middleware(policy), (_req, res) => res.json(1)));
      assert.equal((await get(port, '/', token({ sub: userId, sid: 'a' }))).status, 200);
      assert.equal((await get(port, '/', token({ sub: userId, sid: 'b' }))).status, 429);
      assert.ok(!(await auth.authenticate({ token: token({ sub: userId, sid: 'c' }) }, policy)).ok);
      const told = [
        'admitted a',
        'evicted a',
        'admitted b',
        'denied b',
        'evicted b',
        'admitted c',
        'denied c',
      ];
      assert.deepEqual(heard, told);
      const [live, ...others] = await auth.sessions.list(userId);
      assert.deepEqual([live.sessionId, others], ['c', []]);
    });

    it('a refund that the store rejects is reported, and does not end the process', { skip }, async (t) => {
      const { proxy, auth } = await faulty(t, { server: { kind } });
      /** @type {any[]} */
      const told = [];
      auth.on('store-error', (event) => void told.push(event));
      const policy = { quota: { ...RULE, refundOn: () => true } };
      const port = await serve(t, (app) => {
        app.use(auth.middleware(policy));
        app.get('/', (_req, res) => {
          proxy.loseReplies(1);
          res.sendStatus(500);
        });
      });
      assert.equal((await get(port, '/', token({ sub: unique() }))).status, 500);
      await until('the failed refund is reported', () =>
        told.some(({ message }) => /^a refund failed: /.test(message)),
      );
    });
  });
}
