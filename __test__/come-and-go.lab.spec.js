// Users who appear, use every feature once, and never return leave no data in the embedded store.
'use strict';

const assert = require('node:assert/strict');
const { after, beforeEach, describe, it } = require('node:test');
const { newStore, open } = require('./support/auths.js');
const { START, backdoor, clock } = require('./support/lab.js');
const { FORGOTTEN, HOUR, OPTIONS, sweepAll, visits } = require('./support/visit.js');

/** bench/come-and-go.js runs this with a million users. */
const USERS = 5000;

beforeEach(() => clock.set(START));
after(() => clock.release());

describe('in the embedded store', () => {
  it(`no data of ${USERS} past users is left`, async (t) => {
    const store = newStore('memory:');
    const auth = open(t, { store, ...OPTIONS });
    const door = backdoor(store);
    await visits(auth, USERS, clock.now);
    assert.ok(door.dump().split('\n').length > USERS, 'the store contains the users');
    clock.advance(HOUR);
    sweepAll(door);
    assert.ok(door.dump().split('\n').length > USERS, 'data that must outlive a session still exists');
    clock.advance(FORGOTTEN);
    sweepAll(door);
    assert.equal(door.dump(), '');
  });
});
