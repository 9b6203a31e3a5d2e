// Units that refill over time on a server. Several connections request them without a pause. The server grants only
// the units that its clock has refilled.
'use strict';

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const { open, unique } = require('../support/auths.js');
const { KINDS, missing, startServer } = require('../support/servers.js');

/** @typedef {import('../support/servers.js').RealServer} Server */

const LIMIT = 20;
const WINDOW = { limit: LIMIT, window: 200 };
/** One unit per 10 ms. */
const BUCKET = { ...WINDOW, algorithm: /** @type {const} */ ('bucket') };
const INTERVAL_US = (WINDOW.window * 1000) / LIMIT;
const CONNECTIONS = 4;
/** Callers of each connection. */
const CALLERS = 8;
const REFILLED = 5 * LIMIT;

/** Returns the time of the server clock in microseconds. @param {Server} server @returns {Promise<number>} */
async function timeOf(server) {
  const [seconds, microseconds] = await server.command('TIME');
  return Number(seconds) * 1e6 + Number(microseconds);
}

/**
 * Consumes without a pause until the required number of units is granted.
 * @param {import('node:test').TestContext} t
 * @param {Server} server
 * @param {import('latchgate').QuotaRule} rule
 */
async function race(t, server, rule) {
  const auths = Array.from({ length: CONNECTIONS }, () => open(t, { store: server.url() }));
  await Promise.all(auths.map((auth) => auth.ready()));
  const key = unique('key');
  /** Number of granted units by the time at which all units are available again. @type {Map<number | null, number>} */
  const granted = new Map();
  let [sum, denied] = [0, 0];
  const began = await timeOf(server);
  const callers = auths.flatMap((auth) => Array(CALLERS).fill(auth));
  await Promise.all(
    callers.map(async (/** @type {import('latchgate').Auth} */ auth) => {
      while (sum < LIMIT + REFILLED) {
        const { allowed, resetAt } = await auth.quotas.consume(key, rule);
        if (!allowed) denied++;
        if (!allowed) continue;
        sum++;
        granted.set(resetAt, (granted.get(resetAt) ?? 0) + 1);
      }
    }),
  );
  assert.ok(denied > sum, 'there were always more callers than units');
  return { granted, sum, began, passed: (await timeOf(server)) - began };
}

for (const { kind, name } of KINDS) {
  describe(`on ${name}`, async () => {
    const skip = await missing(kind);

    it('an exhausted bucket grants the units that time refills, and no other unit', { skip }, async (t) => {
      const server = await startServer(t, { kind });
      const { sum, passed } = await race(t, server, BUCKET);
      const most = LIMIT + Math.floor(passed / INTERVAL_US);
      t.diagnostic(`${sum} granted, at most ${most}`);
      assert.ok(sum <= most, `${sum} granted, ${most} in all`);
    });

    it('an exhausted window grants its limit once, and the next window begins no earlier than its end', {
      skip,
    }, async (t) => {
      const server = await startServer(t, { kind });
      const { granted, sum, began, passed } = await race(t, server, WINDOW);
      const ends = [...granted.keys()].map(Number).sort((a, b) => a - b);
      assert.deepEqual(
        ends.filter((end) => Number(granted.get(end)) > LIMIT),
        [],
      );
      assert.ok(ends[0] >= Math.floor(began / 1000) + WINDOW.window);
      for (const [n, end] of ends.entries()) assert.ok(n === 0 || end - ends[n - 1] >= WINDOW.window);
      // Windows begin in whole milliseconds.
      const most = LIMIT * (1 + Math.floor((passed / 1000 + 1) / WINDOW.window));
      assert.ok(sum <= most, `${sum} granted, ${most} in all`);
    });
  });
}
