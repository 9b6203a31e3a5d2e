// node bench/come-and-go.js [--users 1000000] [--store memory|redis]
//
// Users who come, do everything once (a session, a login, charges of every kind, a refund, a counter, an API key, a revocation)
// and never come again, in waves; after each wave the clock is put forward by 32 days. What is left then: of the embedded store
// its dump, and what the process holds; of a server all its keys. Needs the test addon (npm run build:test), whose clock can be
// set, and for the server rustc.
'use strict';

const { TEST_ADDON } = require('../scripts/lib/platform.js');

process.env.NAPI_RS_NATIVE_LIBRARY_PATH = TEST_ADDON;

const { parseArgs } = require('node:util');
const v8 = require('node:v8');
const vm = require('node:vm');
const { SECRET } = require('../__test__/support/jwt.js');
const { backdoor, clock } = require('../__test__/support/lab.js');
const { startSteered } = require('../__test__/support/steered.js');
const { FORGOTTEN, OPTIONS, sweepAll, visits } = require('../__test__/support/visit.js');
const { createAuth } = require('../src/js/index.js');

const WAVE = 50_000;

v8.setFlagsFromString('--expose-gc');
const collect = /** @type {() => void} */ (vm.runInNewContext('gc'));

/** @type {Array<() => unknown>} */
const cleanups = [];
const test = { after: (/** @type {() => unknown} */ clean) => void cleanups.unshift(clean) };

/** @param {number} bytes */
const mebibytes = (bytes) => `${Math.round(bytes / 2 ** 20)} MiB`;

/** @param {number} users */
async function embedded(users) {
  const store = 'memory:come-and-go';
  const auth = createAuth({ store, jwt: { secret: SECRET }, ...OPTIONS });
  const door = backdoor(store);
  clock.set(Date.now());
  for (let done = 0; done < users; done += WAVE) {
    await visits(auth, Math.min(WAVE, users - done), clock.now);
    const held = process.memoryUsage.rss();
    clock.advance(FORGOTTEN);
    sweepAll(door);
    collect();
    const left = door.dump().length;
    const { rss } = process.memoryUsage();
    console.log(
      `memory  ${done + WAVE} users  ${left} characters of dump left  ${mebibytes(held)} held, then ${mebibytes(rss)}`,
    );
  }
  clock.release();
  await auth.close();
}

/** @param {number} users */
async function server(users) {
  const { server, restart, restartAt } = await startSteered(test);
  for (let done = 0; done < users; done += WAVE) {
    const store = { url: server.url(), commandTimeout: '30s' };
    const auth = createAuth({ store, jwt: { secret: SECRET }, ...OPTIONS });
    await visits(auth, Math.min(WAVE, users - done), Date.now);
    await auth.close();
    const [before, held] = [await server.command('DBSIZE'), (await server.info('memory')).used_memory];
    await restartAt(Date.now() + FORGOTTEN);
    const left = await server.keys();
    const { used_memory: used } = await server.info('memory');
    console.log(
      `redis   ${done + WAVE} users  of ${before} keys left: ${left.join(' ')}  ${mebibytes(Number(held))} held, then ${mebibytes(Number(used))}`,
    );
    await restart();
  }
}

async function main() {
  const { values } = parseArgs({
    options: { users: { type: 'string', default: '1000000' }, store: { type: 'string' } },
  });
  if (values.store !== 'redis') await embedded(Number(values.users));
  if (values.store !== 'memory') await server(Number(values.users));
}

main().finally(async () => {
  for (const clean of cleanups) await clean();
});
