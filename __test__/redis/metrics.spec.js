// Metrics of a store on a server: its calls, the calls in flight, and the time during which the store was
// unreachable.
'use strict';

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const { faulty, recovered, status } = require('../support/faulty.js');
const { changes, parse } = require('../support/prometheus.js');
const { missing } = require('../support/servers.js');
const { until } = require('../support/started.js');

const COUNT = 'latchgate_store_duration_seconds_count';
const IN_FLIGHT = 'latchgate_store_in_flight';
const DOWN = 'latchgate_store_degraded_seconds_total';
const UP = 'latchgate_store_up';

describe('metrics() of a store on a server', async () => {
  const skip = await missing('redis');

  it('report the duration of each call, for one call and for many concurrent calls', { skip }, async (t) => {
    const { auth, live } = await faulty(t);
    for (const calls of [1, 500]) {
      const before = auth.metrics();
      await Promise.all(Array.from({ length: calls }, () => status(auth, live)));
      const changed = changes(before, auth.metrics());
      assert.equal(changed[COUNT], calls);
      assert.ok(changed.latchgate_store_duration_seconds_sum > 0);
      assert.equal(changed['latchgate_decisions_total{outcome="allowed",reason="allowed"}'], calls);
    }
  });

  it('report calls in flight, and an outage for its whole duration', { skip }, async (t) => {
    const { proxy, auth, live } = await faulty(t);
    const read = (/** @type {string} */ series) => /** @type {number} */ (parse(auth.metrics()).get(series));
    assert.deepEqual([read(IN_FLIGHT), read(UP), read(DOWN)], [0, 1, 0]);
    proxy.blackHole();
    const answers = Promise.all(Array.from({ length: 2000 }, () => status(auth, live)));
    assert.equal(read(IN_FLIGHT), 2000);
    const before = auth.metrics();
    assert.deepEqual(new Set(await answers), new Set([503]));
    const changed = changes(before, auth.metrics());
    assert.equal(changed[IN_FLIGHT], -2000);
    assert.equal(changed['latchgate_decisions_total{outcome="denied",reason="store_unavailable"}'], 2000);
    await until('the store is reported as lost', () => read(UP) === 0);
    const first = read(DOWN);
    await until('the outage continues', () => read(DOWN) > first);
    await proxy.pass();
    await recovered(auth, live);
    await until('the store is reported as recovered', () => read(UP) === 1);
    const whole = read(DOWN);
    assert.equal(await status(auth, live), 200);
    assert.equal(read(DOWN), whole);
  });

  it('count requests that are allowed without the store separately', { skip }, async (t) => {
    const { proxy, auth, live } = await faulty(t, { options: { onStoreError: 'allow' } });
    await proxy.refuse();
    const before = auth.metrics();
    assert.equal(await status(auth, live), 200);
    const changed = changes(before, auth.metrics());
    assert.equal(changed['latchgate_decisions_total{outcome="allowed",reason="degraded"}'], 1);
    assert.equal(changed['latchgate_decisions_total{outcome="allowed",reason="allowed"}'], undefined);
  });
});
