// Every race, on a store that reads first and writes later. Each race must find a violation there. A race that finds
// none proves nothing on a correct store.
'use strict';

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const { newStore } = require('./support/auths.js');
const { LOCAL, THREADED } = require('./support/races.js');

describe('a store that decides on stale reads breaks the rule', () => {
  for (const { rule, racers, arrivals, run, check } of [...LOCAL, ...THREADED]) {
    it(`that ${rule}`, async () => {
      const store = `${newStore('test-racy:')}?gate=${arrivals(racers)}`;
      const seen = await run(store, racers);
      assert.throws(
        () => check(seen, racers),
        { code: 'ERR_ASSERTION' },
        `the race found no violation: ${JSON.stringify(seen)}`,
      );
    });
  }
});
