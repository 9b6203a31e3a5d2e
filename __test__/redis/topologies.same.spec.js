// Servers behind Sentinels and a Cluster give the same answers as the embedded store. The URL is the only
// difference.
'use strict';

const assert = require('node:assert/strict');
const { randomUUID } = require('node:crypto');
const { describe, it } = require('node:test');
const { SCENARIOS } = require('../support/scenarios.js');
const { TOPOLOGIES, shared } = require('../support/topologies.js');
const { transcript } = require('../support/transcript.js');

for (const { name, missing, start } of TOPOLOGIES) {
  describe(`${name} answers as the embedded store does:`, async () => {
    const skip = await missing();
    const servers = shared(start, skip);

    for (const scenario of SCENARIOS) {
      it(scenario.rule, { skip }, async (t) => {
        const expected = await transcript(t, `memory:${randomUUID()}`, scenario);
        assert.deepEqual(await transcript(t, servers().url(), scenario), expected);
      });
    }
  });
}
