// node bench/connections-server.js [--ms 1500]
//
// What a decision (with a quota) costs a server in processor time, all in, by how many connections ask and how many calls
// each has in flight: what many processes that ask for little cost it against one that asks for much. A line for each.
'use strict';

const { parseArgs } = require('node:util');
const { startServer } = require('../__test__/support/servers.js');
const { throughMiddleware } = require('./contenders/latchgate.js');
const { Connection } = require('./lib/resp.js');
const { oneEach } = require('./lib/tokens.js');

const { values: options } = parseArgs({ options: { ms: { type: 'string', default: '1500' } } });

/** @type {Array<[connections: number, depth: number]>} */
const SHAPES = [
  [1, 1],
  [1, 16],
  [1, 256],
  [16, 1],
  [16, 16],
  [64, 1],
  [64, 4],
  [256, 1],
  [256, 4],
];

/** @type {Array<() => unknown>} */
const cleanups = [];
const test = /** @type {any} */ ({ after: (/** @type {() => unknown} */ clean) => cleanups.unshift(clean) });

async function main() {
  const server = await startServer(test);
  const tokens = oneEach();
  const meter = new Connection(server.port);
  cleanups.unshift(() => meter.close());
  console.log('connections | in flight on each | decisions/s | server µs of processor time a decision');
  for (const [connections, depth] of SHAPES) {
    const gates = Array.from({ length: connections }, () => throughMiddleware(server.url(), true));
    await Promise.all(gates.map(({ auth }) => auth.ready()));
    let asked = 0;
    let answered = 0;
    let until = 0;
    const lane = async (/** @type {(typeof gates)[0]} */ gate) => {
      while (performance.now() < until) {
        await new Promise((resolve) =>
          gate.pass(`Bearer ${tokens[asked++ % tokens.length]}`, () => resolve(0)),
        );
        answered++;
      }
    };
    const round = async (/** @type {number} */ ms) => {
      until = performance.now() + ms;
      await Promise.all(gates.flatMap((gate) => Array.from({ length: depth }, () => lane(gate))));
    };
    await round(300);
    const [before, start] = [await meter.cpu(), performance.now()];
    answered = 0;
    await round(Number(options.ms));
    const cpu = ((await meter.cpu()) - before) / answered;
    const rate = (answered * 1000) / (performance.now() - start);
    console.log(`${connections} | ${depth} | ${Math.round(rate)} | ${(cpu * 1e6).toFixed(2)}`);
    await Promise.all(gates.map(({ auth }) => auth.close()));
  }
}

main()
  .catch((error) => {
    console.error(error);
    process.exitCode = 1;
  })
  .finally(async () => {
    for (const clean of cleanups) await clean();
  });
