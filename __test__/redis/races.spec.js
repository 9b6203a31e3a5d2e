// The races within a process, and across its threads, on real servers. racy.lab.spec.js shows that each race can be
// lost. Counters and turns have their own specs.
'use strict';

const { describe, it } = require('node:test');
const { THREADED } = require('../support/races.js');
const { RACES: keys } = require('../support/races/keys.js');
const { RACES: refreshes } = require('../support/races/refreshes.js');
const { RACES: revocations } = require('../support/races/revocations.js');
const { RACES: sessions } = require('../support/races/sessions.js');
const { RACES: spending } = require('../support/races/spending.js');
const { KINDS, missing, startServer } = require('../support/servers.js');
const { shared } = require('../support/topologies.js');

const LOCAL = [...sessions, ...revocations, ...refreshes, ...spending, ...keys];

for (const { kind, name } of KINDS) {
  describe(`on ${name}`, async () => {
    const skip = await missing(kind);
    const server = shared((t) => startServer(t, { kind }), skip);
    for (const { rule, racers, run, check } of [...LOCAL, ...THREADED]) {
      it(`${rule} (${racers} racers)`, { skip }, async () =>
        check(await run(server().url(), racers), racers),
      );
    }
  });
}
