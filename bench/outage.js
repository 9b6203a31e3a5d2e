// node bench/outage.js
//
// What requests meet while the store cannot answer: how long the slowest 503 takes, how soon after the store's return the
// first request passes, and how long the event loop was kept, with 10,000 requests waiting: by the clock, which others on the
// machine lengthen, and by the processor time that the process took meanwhile. Prints one line a fault. The proxy that makes the
// faults is a process of its own.
'use strict';

const { fork } = require('node:child_process');
const { once } = require('node:events');
const { monitorEventLoopDelay } = require('node:perf_hooks');
const { setTimeout: pause } = require('node:timers/promises');
const { startProxy } = require('../__test__/support/proxy.js');
const { startServer } = require('../__test__/support/servers.js');
const { createAuth } = require('../src/js/index.js');

const DEADLINE_MS = 1000;
const WAITING = 10_000;
const SECRET = 'outage '.repeat(8);

/** The most processor time that the process takes in one turn of its event loop, until it is stopped. */
function watchTurns() {
  let [most, before, going] = [0, process.cpuUsage(), true];
  const look = () => {
    const { user, system } = process.cpuUsage(before);
    before = process.cpuUsage();
    most = Math.max(most, (user + system) / 1000);
    if (going) setImmediate(look);
  };
  setImmediate(look);
  return () => {
    going = false;
    return most;
  };
}

/** @type {Array<() => unknown>} */
const cleanups = [];
const test = /** @type {any} */ ({ after: (/** @type {() => unknown} */ clean) => cleanups.unshift(clean) });

/** What this file does as the process of the proxy: what it is told, one order after the other. @param {number} port of the server */
async function runProxy(port) {
  const proxy = await startProxy(test, { port });
  process.on('message', async (/** @type {'refuse' | 'pass' | 'blackHole' | 'late'} */ order) => {
    if (order === 'late') proxy.delay(() => Math.random() * 2000);
    else await proxy[order]();
    process.send?.('done');
  });
  process.on('disconnect', () => process.exit());
  process.send?.(proxy.url);
}

/** @param {number} port of the server */
async function remoteProxy(port) {
  const child = fork(__filename, [String(port)]);
  cleanups.unshift(() => child.disconnect());
  const [url] = await once(child, 'message');
  return {
    url: String(url),
    /** @param {'refuse' | 'pass' | 'blackHole' | 'late'} order */
    async tell(order) {
      child.send(order);
      await once(child, 'message');
    },
  };
}

/**
 * @param {string} name
 * @param {(proxy: any, server: any) => unknown} fail
 * @param {(proxy: any, server: any) => unknown} mend
 */
async function outage(name, fail, mend) {
  const server = await startServer(test);
  const proxy = await remoteProxy(server.port);
  const auth = createAuth({
    store: { url: proxy.url, commandTimeout: DEADLINE_MS },
    jwt: { secret: SECRET },
    sessions: { limit: 3, admission: 'first-use' },
  });
  await auth.ready();
  const token = await auth.tokens.issue('ada', { sessionId: 's' });
  /** @returns {Promise<number>} milliseconds, negative where the request passed */
  const ask = async () => {
    const start = performance.now();
    const { ok } = await auth.authenticate({ token });
    return (performance.now() - start) * (ok ? -1 : 1);
  };
  await ask();
  const loop = monitorEventLoopDelay({ resolution: 1 });
  await fail(proxy, server);
  loop.enable();
  const stopWatching = watchTurns();
  /** @type {Array<Promise<number>>} */
  const asked = [];
  // As requests come: some at a time, all within the deadline of the first.
  while (asked.length < WAITING) {
    for (let n = 0; n < 200; n++) asked.push(ask());
    await pause(5);
  }
  const times = await Promise.all(asked);
  loop.disable();
  const busy = stopWatching();
  const refused = times.filter((time) => time > 0);
  await mend(proxy, server);
  const back = performance.now();
  while ((await ask()) > 0) await pause(5);
  console.log(
    [
      name.padEnd(34),
      `refused ${String(refused.length).padStart(5)} of ${WAITING}`,
      `slowest 503 ${Math.max(...refused)
        .toFixed(0)
        .padStart(5)} ms (deadline ${DEADLINE_MS})`,
      `back after ${(performance.now() - back).toFixed(0).padStart(4)} ms`,
      `event loop kept ${(loop.max / 1e6).toFixed(1).padStart(5)} ms at most`,
      `${busy.toFixed(1).padStart(5)} ms of processor`,
    ].join('  '),
  );
  await auth.close();
}

async function main() {
  await outage(
    'connections refused',
    (proxy) => proxy.tell('refuse'),
    (proxy) => proxy.tell('pass'),
  );
  await outage(
    'connections swallowed (black hole)',
    (proxy) => proxy.tell('blackHole'),
    (proxy) => proxy.tell('pass'),
  );
  await outage(
    'replies 0 to 2 s late',
    (proxy) => proxy.tell('late'),
    (proxy) => proxy.tell('pass'),
  );
  await outage(
    'server stopped (SIGSTOP)',
    (_, server) => server.pause(),
    (_, server) => server.resume(),
  );
  await outage(
    'server gone, and started again',
    (_, server) => server.stop(),
    (_, server) => server.restart(),
  );
}

if (process.send === undefined)
  main().finally(async () => {
    for (const clean of cleanups) await clean();
  });
else runProxy(Number(process.argv[2]));
