// Six Node processes behind one front, on servers behind Sentinels and on a Cluster: the rules that hold across the
// processes.
'use strict';

const { describe, it } = require('node:test');
const { crowds } = require('../support/crowds.js');
const { PROCESSES } = require('../support/races/processes.js');
const { TOPOLOGIES } = require('../support/topologies.js');

for (const { name, missing, start } of TOPOLOGIES) {
  describe(`six processes on ${name}`, async () => {
    const { crowd, skip } = crowds('gate.js', start, await missing());
    for (const race of PROCESSES) {
      it(race.rule, { skip: skip(race) }, async (t) => race.check(await race.run(await crowd(t, race))));
    }
  });
}
