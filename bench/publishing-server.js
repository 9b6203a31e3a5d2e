// node bench/publishing-server.js
//
// What a published message costs in processor time: the server that is told, by how many listen there, and in a Cluster every
// other node, to which it travels whether anybody listens or not. A line for each.
'use strict';

const { startCluster } = require('../__test__/support/clusters.js');
const { startServer } = require('../__test__/support/servers.js');

const CHANNEL = 'lg:ev';
const MESSAGES = 60_000;
/** Messages that come together, and how many in all. @type {Array<[together: number, count: number]>} */
const SHAPES = [
  [500, MESSAGES],
  [1, MESSAGES / 12],
];
const LISTENERS = [0, 1, 10, 100, 315];

/** @type {Array<() => unknown>} */
const cleanups = [];
const test = /** @type {any} */ ({ after: (/** @type {() => unknown} */ clean) => cleanups.unshift(clean) });

/** Seconds of processor time so far. @param {any} server */
async function cpu(server) {
  const { used_cpu_user: user, used_cpu_sys: system } = await server.info('cpu');
  return Number(user) + Number(system);
}

/** Microseconds a message, of each server that is named. @param {any} to @param {any[]} watched @param {[together: number, count: number]} shape */
async function publish(to, watched, [together, count]) {
  const before = await Promise.all(watched.map(cpu));
  for (let sent = 0; sent < count; sent += together)
    await Promise.all(
      Array.from({ length: together }, () => to.command('PUBLISH', CHANNEL, 'user-00000001')),
    );
  const after = await Promise.all(watched.map(cpu));
  return after.map((each, index) => (((each - before[index]) * 1e6) / count).toFixed(2));
}

async function main() {
  const server = await startServer(test);
  console.log('listeners | server µs a message, 500 together | one by one');
  for (const [index, count] of LISTENERS.entries()) {
    for (let n = LISTENERS[index - 1] ?? 0; n < count; n++) {
      const listener = await server.connect();
      cleanups.unshift(() => listener.close());
      await listener.command('SUBSCRIBE', CHANNEL);
    }
    const costs = [];
    for (const shape of SHAPES) costs.push(await publish(server, [server], shape));
    console.log(`${count} | ${costs.join(' | ')}`);
  }
  const cluster = await startCluster(test, { replicas: 0 });
  const [told, ...others] = cluster.nodes;
  console.log('of a Cluster of three: messages together | µs of the node that is told | of the others');
  for (const shape of SHAPES)
    console.log(`${shape[0]} | ${(await publish(told, [told, ...others], shape)).join(' | ')}`);
}

main()
  .catch((error) => {
    console.error(error);
    process.exitCode = 1;
  })
  .finally(async () => {
    for (const clean of cleanups) await clean();
  });
