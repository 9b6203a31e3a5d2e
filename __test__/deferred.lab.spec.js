// Every race, on a store that collects all concurrent calls, runs them in another order, and answers later.
'use strict';

const { describe, it } = require('node:test');
const { newStore } = require('./support/auths.js');
const { LOCAL, THREADED } = require('./support/races.js');

describe('a store that answers late and out of order keeps the rule', () => {
  for (const { rule, racers, arrivals, run, check } of [...LOCAL, ...THREADED]) {
    it(`that ${rule}`, async () => {
      const store = `${newStore('test-deferred:')}?gate=${arrivals(racers)}`;
      check(await run(store, racers), racers);
    });
  }
});
