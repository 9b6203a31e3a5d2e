// Users who come, do everything once, and never come again leave nothing in the embedded store.
'use strict';

const assert = require('node:assert/strict');
const { after, beforeEach, describe, it } = require('node:test');
const { newStore, open } = require('./support/auths.js');
const { START, backdoor, clock } = require('./support/lab.js');
const { FORGOTTEN, HOUR, OPTIONS, sweepAll, visits } = require('./support/visit.js');

/** A million by bench/come-and-go.js. */
const USERS = 5000;

beforeEach(() => clock.set(START));
after(() => clock.release());

describe('in the embedded store', () => {
  it(`of ${USERS} users who came and went nothing is left`, async (t) => {
    const store = newStore('memory:');
    const auth = open(t, { store, ...OPTIONS });
    const door = backdoor(store);
    await visits(auth, USERS, clock.now);
    assert.ok(door.dump().split('\n').length > USERS, 'they were there');
    clock.advance(HOUR);
    sweepAll(door);
    assert.ok(door.dump().split('\n').length > USERS, 'what must be remembered still is');
    clock.advance(FORGOTTEN);
    sweepAll(door);
    assert.equal(door.dump(), '');
  });
});
