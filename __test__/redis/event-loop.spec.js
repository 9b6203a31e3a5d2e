// Replies are read in the event loop of the caller. An event loop that is busy, ends, or is terminated during a call
// must cause nothing but a delay.
'use strict';

const assert = require('node:assert/strict');
const { once } = require('node:events');
const net = require('node:net');
const { describe, it } = require('node:test');
const { createAuth } = require('latchgate');
const { runScript } = require('../support/child.js');
const { SECRET, token } = require('../support/jwt.js');
const { missing, startServer } = require('../support/servers.js');
const { until } = require('../support/started.js');

const WORKERS = 12;

/** @param {number} ms in which this thread does nothing else */
function block(ms) {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

describe('an event loop', async () => {
  const skip = await missing('redis');

  it('that is busy for longer than the timeout of its calls gets the replies that arrived during that time', {
    skip,
  }, async (t) => {
    const server = await startServer(t);
    const store = { url: server.url(), commandTimeout: '300ms' };
    const auth = createAuth({ jwt: { secret: SECRET }, store });
    t.after(() => auth.close());
    await auth.ready();
    const rule = { limit: 1000, window: '1h' };
    for (let round = 0; round < 3; round++) {
      const asked = Array.from({ length: 300 }, () => auth.quotas.consume('busy', rule));
      // The calls are sent when this event loop turn ends. After that, the event loop is busy.
      setImmediate(() => block(900));
      const answers = await Promise.all(asked);
      assert.ok(answers.every(({ allowed }) => allowed === true));
    }
    assert.equal((await auth.quotas.peek('busy', rule)).remaining, 100);
  });

  it('learns that a connection was reset, although a reply came first', { skip }, async (t) => {
    const server = await startServer(t);
    let resets = false;
    const relay = net.createServer((client) => {
      const upstream = net.connect(server.port, '127.0.0.1');
      client.on('error', () => {});
      client.on('data', (chunk) => upstream.write(chunk));
      client.on('close', () => upstream.destroy());
      upstream.on('data', (chunk) => {
        client.write(chunk);
        if (resets) client.resetAndDestroy();
        resets = false;
      });
    });
    relay.listen(0, '127.0.0.1');
    await once(relay, 'listening');
    const { port } = /** @type {net.AddressInfo} */ (relay.address());
    const auth = createAuth({ jwt: { secret: SECRET }, store: `redis://127.0.0.1:${port}` });
    t.after(async () => {
      await auth.close();
      relay.close();
    });
    /** @type {string[]} */
    const told = [];
    auth.on('store-error', () => told.push('store-error'));
    auth.on('store-recovered', () => told.push('store-recovered'));
    await auth.ready();
    resets = true;
    await auth.ready();
    // No call is pending.
    await until('both events are emitted', () => told.length === 2);
    assert.deepEqual(told, ['store-error', 'store-recovered']);
  });

  it('of a worker thread may end at any time, with calls in flight', { skip }, async (t) => {
    const server = await startServer(t);
    const { status, signal, stdout, stderr } = await runScript(
      `
        const { Worker } = require('node:worker_threads');
        const script = \`
          const { parentPort, workerData } = require('node:worker_threads');
          const { createAuth } = require(workerData.root);
          const auths = Array.from({ length: 3 }, () => createAuth({ store: workerData.store, jwt: { secret: workerData.secret } }));
          const ask = () => {
            for (const auth of auths) auth.authenticate({ token: workerData.token }).then(({ ok }) => parentPort.postMessage(ok), () => {});
            if (workerData.stays) setImmediate(ask);
          };
          Promise.all(auths.map((auth) => auth.ready())).then(ask);
        \`;
        const root = require.resolve(${JSON.stringify(require.resolve('latchgate'))});
        Promise.all(Array.from({ length: ${WORKERS} }, (_each, n) => new Promise((resolve, reject) => {
          const workerData = { root, store: process.env.STORE, secret: process.env.KEY, token: process.env.TOKEN, stays: n % 2 === 0 };
          const worker = new Worker(script, { eval: true, workerData });
          let allowed = 0;
          worker.on('message', (ok) => {
            if (ok && ++allowed === 3 && workerData.stays) worker.terminate();
          });
          worker.on('error', reject);
          worker.on('exit', () => resolve(allowed));
        }))).then((counts) => console.log(counts.filter((count) => count >= 3).length));
      `,
      { env: { STORE: server.url(), KEY: SECRET, TOKEN: token({ sub: 'ada' }) }, deadline: 60_000 },
    );
    assert.deepEqual(
      { status, signal, stdout: stdout.trim() },
      { status: 0, signal: null, stdout: `${WORKERS}` },
      stderr,
    );
  });

  it('that drops its Auths without closing them releases their connections', { skip }, async (t) => {
    const server = await startServer(t);
    let connected = NaN;
    const { status, signal, stderr } = await runScript(
      `
        const { createAuth } = require(${JSON.stringify(require.resolve('latchgate'))});
        const { setTimeout: pause } = require('node:timers/promises');
        process.on('SIGTERM', () => process.exit(0));
        (async () => {
          for (let round = 0; round < 20; round++) {
            const auths = Array.from({ length: 5 }, () => createAuth({ store: process.env.STORE, jwt: { secret: SECRET } }));
            await Promise.all(auths.map((auth) => auth.ready()));
            global.gc();
          }
          for (let round = 0; round < 50; round++) {
            await pause(20);
            global.gc();
          }
          console.log('dropped');
          await pause(20_000);
        })();
      `,
      {
        env: { STORE: server.url(), NODE_OPTIONS: '--expose-gc' },
        deadline: 60_000,
        onLine: async (_line, child) => {
          connected = Number((await server.info('clients')).connected_clients);
          child.kill();
        },
      },
    );
    assert.deepEqual({ status, signal }, { status: 0, signal: null }, stderr);
    // The connections of the test itself, and of Auths that the collector has not reached.
    assert.ok(connected <= 10, `${connected} of 100 connections are left`);
  });

  it('may be ended by process.exit() with calls in flight', { skip }, async (t) => {
    const server = await startServer(t);
    for (let round = 0; round < 5; round++) {
      const { status, signal, stderr } = await runScript(
        `
          const { createAuth } = require(${JSON.stringify(require.resolve('latchgate'))});
          const auth = createAuth({ store: process.env.STORE, jwt: { secret: SECRET } });
          auth.ready().then(() => {
            let answered = 0;
            for (let n = 0; n < 500; n++) auth.quotas.peek('q' + n, { limit: 1 }).then(() => ++answered === 100 && process.exit(7));
          });
        `,
        { env: { STORE: server.url() }, deadline: 30_000 },
      );
      assert.deepEqual({ status, signal }, { status: 7, signal: null }, stderr);
    }
  });
});
