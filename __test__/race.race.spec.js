// Races on stores that must keep every rule: on Express 5 and 4, and across worker threads.
'use strict';

const { describe, it } = require('node:test');
const { EXPRESS } = require('./support/app.js');
const { newStore } = require('./support/auths.js');
const { LOCAL, THREADED } = require('./support/races.js');

for (const { name, express } of EXPRESS) {
  describe(`in one process, on ${name}`, () => {
    for (const { rule, racers, run, check } of LOCAL) {
      it(`${rule} (${racers} racers)`, async () => check(await run(newStore(), racers, express), racers));
    }
  });
}

describe('across worker threads', () => {
  for (const { rule, racers, run, check } of THREADED) {
    it(`${rule} (${racers} racers)`, async () => check(await run(newStore(), racers), racers));
  }
});
