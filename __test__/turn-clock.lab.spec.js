// Leases while the store's clock is set: in the process that holds one, another clock says when it ends.
'use strict';

const assert = require('node:assert/strict');
const { after, beforeEach, it } = require('node:test');
const { newStore, open } = require('./support/auths.js');
const { HOUR, SECOND, START, clock } = require('./support/lab.js');

beforeEach(() => clock.set(START));
after(() => clock.release());

it('a clock that is set back prolongs no lease beyond maxHold', async (t) => {
  const auth = open(t, { store: newStore() });
  const lease = await auth.locks.acquire('k', { ttl: '1s', maxHold: '10s' });
  const last = Date.now() + 10 * SECOND;
  clock.advance(-HOUR);
  assert.equal(await lease.extend(SECOND), true);
  assert.ok(lease.expiresAt <= last + 1, `${lease.expiresAt - last} ms later`);
  assert.equal(await lease.release(), true);
});

it('a lease that is renewed under a clock that was set back lasts no longer than was asked for', async (t) => {
  const auth = open(t, { store: newStore() });
  const lease = await auth.locks.acquire('k', { ttl: '1s', maxHold: '1h' });
  clock.advance(-HOUR);
  assert.equal(await lease.extend(2 * SECOND), true);
  assert.ok(
    lease.expiresAt <= Date.now() + 2 * SECOND,
    'so that it is renewed, and heard of where it is lost',
  );
  assert.equal(await lease.release(), true);
});
