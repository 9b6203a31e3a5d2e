// Random sequences of operations give the same answers where Sentinels name the server, and on a Cluster, as on a reference
// that is written from the contract alone.
'use strict';

const { describe, it } = require('node:test');
const { COUNT, check, checkKeys } = require('../model/check.js');
const { TOPOLOGIES, shared } = require('../support/topologies.js');

// Each Auth says once that a session is a token here, which is meant.
process.removeAllListeners('warning');
process.on('warning', (warning) => {
  if (/** @type {any} */ (warning).code !== 'LATCHGATE_SESSION_IS_TOKEN') console.error(warning);
});

/** One server has played them all; here the ways there differ. */
const SOME = Math.ceil(COUNT / 3);

for (const { name, missing, start } of TOPOLOGIES) {
  describe(`on ${name}, random sequences answer as the reference does:`, async () => {
    const skip = await missing();
    const servers = shared(start, skip);
    it(`of everything but keys (${SOME} sequences)`, { skip }, () => check(servers().url(), SOME));
    it(`of keys (${SOME} sequences)`, { skip }, () => checkKeys(servers().url(), SOME));
  });
}
