'use strict';
// One of the client processes of row L: whole decisions on one server or a Cluster, closed loop.

const { throughMiddleware } = require('../contenders/latchgate.js');
const { correctness } = require('../lib/correctness.js');
const { closedLoop } = require('../lib/loop.js');
const { fresh, oneEach } = require('../lib/tokens.js');

/** @type {ReturnType<typeof throughMiddleware>} */
let gate;
/** @type {Buffer[]} */
let texts;

/** @type {Record<string, (job: any) => Promise<object>>} */
const METHODS = {
  start: async ({ store }) => {
    gate = throughMiddleware(store);
    texts = oneEach().map((token) => Buffer.from(`Bearer ${token}`, 'latin1'));
    await gate.ready();
    return {};
  },
  load: ({ depth, ms }) =>
    closedLoop((at, done) => gate.pass(fresh(texts[at % texts.length]), () => done(true)), { depth, ms }),
  races: () => correctness(gate.ask, gate.revoke),
};

process.on('message', async (/** @type {any} */ { method, job }) => {
  try {
    process.send?.({ result: await METHODS[method](job) });
  } catch (error) {
    process.send?.({ error: String(/** @type {Error} */ (error)?.stack ?? error) });
  }
});
// Its connections would keep it.
process.once('disconnect', () => process.exit());
