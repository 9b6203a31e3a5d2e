// Six Node processes behind one front, on servers behind Sentinels and on a Cluster: what must hold across them.
'use strict';

const { describe, it } = require('node:test');
const { noFaketime, startProcesses } = require('../support/processes.js');
const { GUARDED, PROCESSES } = require('../support/races/processes.js');
const { TOPOLOGIES, shared } = require('../support/topologies.js');

for (const { name, missing, start } of TOPOLOGIES) {
  describe(`six processes on ${name}`, async () => {
    const absent = await missing();
    const servers = shared(start, absent);
    for (const { rule, clocks, run, check } of [...PROCESSES, ...GUARDED]) {
      const skip = absent || (clocks !== undefined && noFaketime());
      it(rule, { skip }, async (t) => {
        const env = { STORE: servers().url() };
        check(await run(await startProcesses(t, { app: 'gate.js', env, clocks })));
      });
    }
  });
}
