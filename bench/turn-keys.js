// node --expose-gc bench/turn-keys.js [keys]
//
// What is left when a million keys have had their turn on Redis: keys there, all with an end, and their memory; and the heap of the
// process that used them.
'use strict';

const { startRedis } = require('./lib/processes.js');
const { Connection } = require('./lib/resp.js');
const { SECRET } = require('./lib/settings.js');
const { createAuth } = require('../src/js/index.js');

const KEYS = Number(process.argv[2] ?? 1_000_000);
const LANES = 500;
const WARM = 20_000;

async function main() {
  const redis = await startRedis();
  const connection = new Connection(redis.port);
  const store = { url: `redis://127.0.0.1:${redis.port}`, commandTimeout: '30s' };
  const auth = createAuth({ store, jwt: { secret: SECRET } });
  /** @param {number} count @param {string} name */
  const use = async (count, name) => {
    let next = 0;
    const lane = async () => {
      while (next < count)
        await auth.locks.runExclusive(`${name}${next++}`, () => {}, { ttl: '60s', wait: '60s' });
    };
    await Promise.all(Array.from({ length: LANES }, lane));
  };
  /** @param {string} section @param {RegExp} field */
  const info = async (section, field) => field.exec(await connection.ask('INFO', section))?.[1] ?? '';
  const memory = async () => Number(await info('memory', /used_memory:(\d+)/));
  const heap = async () => {
    for (let n = 0; n < 3; n++) {
      await new Promise(setImmediate);
      global.gc?.();
    }
    return process.memoryUsage().heapUsed;
  };

  await use(WARM, 'warm-');
  await redis.flush();
  const before = { memory: await memory(), heap: await heap() };
  const start = performance.now();
  await use(KEYS, 'key-');
  const seconds = (performance.now() - start) / 1000;
  const after = { memory: await memory(), heap: await heap() };
  const [keys, expires, ttl] = (await info('keyspace', /db0:keys=(\d+,expires=\d+,avg_ttl=\d+)/))
    .split(',')
    .map((part) => Number(part.replace(/\D/g, '')));
  console.log(`${KEYS} keys in ${seconds.toFixed(0)} s: ${(KEYS / seconds).toFixed(0)} turns a second`);
  console.log(
    `keys on the server: ${keys}, with an end: ${expires}, within ${(ttl / 3_600_000).toFixed(1)} h`,
  );
  const bytes = after.memory - before.memory;
  console.log(`its memory: ${(bytes / 1e6).toFixed(0)} MB more, ${(bytes / keys).toFixed(0)} bytes a key`);
  const heapMB = (after.heap - before.heap) / 1e6;
  console.log(`heap of this process: ${heapMB.toFixed(1)} MB more`);
  await auth.close();
  connection.close();
  await redis.stop();
}

main();
