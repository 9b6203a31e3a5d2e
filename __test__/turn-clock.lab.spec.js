// Leases while the store's clock is set back. The process that holds a lease measures its end with another clock.
'use strict';

const assert = require('node:assert/strict');
const { after, beforeEach, it } = require('node:test');
const { newStore, open } = require('./support/auths.js');
const { HOUR, SECOND, START, clock } = require('./support/lab.js');

beforeEach(() => clock.set(START));
after(() => clock.release());

it('setting back the clock extends no lease beyond maxHold', async (t) => {
  const auth = open(t, { store: newStore() });
  const lease = await auth.locks.acquire('k', { ttl: '1s', maxHold: '10s' });
  const last = Date.now() + 10 * SECOND;
  clock.advance(-HOUR);
  assert.equal(await lease.extend(SECOND), true);
  assert.ok(lease.expiresAt <= last + 1, `${lease.expiresAt - last} ms later`);
  assert.equal(await lease.release(), true);
});

it('a lease that is renewed after the clock was set back lasts no longer than requested', async (t) => {
  const auth = open(t, { store: newStore() });
  const lease = await auth.locks.acquire('k', { ttl: '1s', maxHold: '1h' });
  clock.advance(-HOUR);
  assert.equal(await lease.extend(2 * SECOND), true);
  assert.ok(
    lease.expiresAt <= Date.now() + 2 * SECOND,
    'the process renews the lease in time, and notices its loss',
  );
  assert.equal(await lease.release(), true);
});
