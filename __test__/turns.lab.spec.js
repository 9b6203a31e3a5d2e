// What is left of turns in the embedded store: fences, for a day.
'use strict';

const assert = require('node:assert/strict');
const { after, it } = require('node:test');
const { newStore, open } = require('./support/auths.js');
const { DAY, START, backdoor, clock } = require('./support/lab.js');

const KEYS = 100_000;

after(() => clock.release());

it(`of ${KEYS} keys that were used nothing is left but their fences, and of those nothing after a day`, async (t) => {
  clock.set(START);
  const url = newStore('memory:');
  const auth = open(t, { store: url });
  const store = backdoor(url);
  for (let key = 0; key < KEYS; key++) await auth.locks.runExclusive(`${key}`, () => key);
  const lines = store.dump().split('\n').filter(Boolean);
  assert.equal(lines.length, KEYS);
  const { fence } = await auth.locks.acquire('0');
  clock.advance(DAY - 60_000);
  assert.ok((await auth.locks.acquire('0')).fence > fence);
  clock.advance(DAY + 60_000);
  for (let idle = 0; idle < 5000; idle++) if (store.sweep() > 0) idle = 0;
  assert.equal(store.dump(), '');
});
