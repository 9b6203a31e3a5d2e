// Random sequences of operations give the same answers behind Sentinels, in a Cluster, and on a reference that is
// written from the contract alone.
'use strict';

const { describe, it } = require('node:test');
const { COUNT, check, checkKeys } = require('../model/check.js');
const { TOPOLOGIES, shared } = require('../support/topologies.js');

// Each Auth warns once that a session is a token here. This is intended.
process.removeAllListeners('warning');
process.on('warning', (warning) => {
  if (/** @type {any} */ (warning).code !== 'LATCHGATE_SESSION_IS_TOKEN') console.error(warning);
});

/** A single server plays all sequences. Here only the connection differs, so that fewer sequences are enough. */
const SOME = Math.ceil(COUNT / 3);

for (const { name, missing, start } of TOPOLOGIES) {
  describe(`on ${name}, random sequences answer as the reference does:`, async () => {
    const skip = await missing();
    const servers = shared(start, skip);
    it(`of all operations except API keys (${SOME} sequences)`, { skip }, () => check(servers().url(), SOME));
    it(`of API keys (${SOME} sequences)`, { skip }, () => checkKeys(servers().url(), SOME));
  });
}
