// Losses of a failover if the primary requires a replica (min-replicas-to-write, min-replicas-max-lag). Only writes
// that were answered within a bounded time may be lost, and no earlier write.
'use strict';

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const { fault, open, unique } = require('../support/auths.js');
const { DEADLINES } = require('../support/faulty.js');
const { token } = require('../support/jwt.js');
const { startSentinels } = require('../support/sentinels.js');
const { KINDS, missing } = require('../support/servers.js');
const { pause, until } = require('../support/started.js');

/** Value of min-replicas-max-lag, in seconds. */
const LAG = 1;
/**
 * Maximum time in milliseconds between the silence of the replica and the last answer. A replica reports once a
 * second, the primary checks the report once a second, and both count in whole seconds. One second is added for a
 * busy machine.
 */
const BOUND = LAG * 1000 + 3000 + 1000;
const PACE = 5;

for (const { kind, name } of KINDS) {
  describe(`where the primary of ${name} wants a replica,`, async () => {
    const skip = await missing(kind);
    const config = { 'min-replicas-to-write': 1, 'min-replicas-max-lag': LAG };

    it(`a failover to a silent replica loses only writes that were answered within ${BOUND} ms, and no earlier write`, {
      skip,
    }, async (t) => {
      // The replica keeps on disk the commands that it has run. Data that its system has received, and the replica
      // has not read, is lost with it.
      const set = await startSentinels(t, { kind, replicas: 1, appendonly: true, config });
      const auth = open(t, { store: { url: set.url(), ...DEADLINES } });
      const judge = open(t, { store: set.url() });
      await auth.ready();
      const primary = await set.primary();
      const [replica] = await set.replicas();
      await until('the replica has written its file', async () => {
        const told = await replica.info('persistence');
        return told.aof_rewrite_in_progress === '0' && told.aof_rewrite_scheduled === '0';
      });
      /** Acknowledged revocations, in this order. @type {Array<{ text: string, at: number }>} */
      const answered = [];
      const revoke = async () => {
        const text = token({ sub: unique(), sid: 's' });
        await auth.tokens.revoke(text);
        answered.push({ text, at: performance.now() });
        await pause(PACE);
      };
      for (let n = 0; n < 50; n++) await revoke();
      await set.inStep();
      const before = answered.length;
      replica.pause();
      const silent = performance.now();
      await assert.rejects(async () => {
        while (performance.now() < silent + 4 * BOUND) await revoke();
      }, fault('STORE_UNAVAILABLE'));
      await primary.stop();
      await replica.restart();
      await set.failedOver(primary);
      // The new primary has no replica, and would refuse every write.
      await replica.configure('min-replicas-to-write', 0);
      await set.leads(judge);
      const lost = [];
      for (const [n, { text, at }] of answered.entries())
        if (!(await judge.tokens.isRevoked(text))) lost.push({ n, at });
      const last = answered[answered.length - 1].at;
      const within = Math.round(last - lost[0]?.at);
      t.diagnostic(
        `lost: ${lost.length} of ${answered.length}, answered within ${within} ms, every ${PACE} ms`,
      );
      assert.ok(lost.length > 0, 'the failover lost some writes, as the test requires');
      assert.ok(lost[0].n >= before, 'no write that the replica had is lost');
      assert.ok(within <= BOUND, `${within} ms`);
      assert.ok(lost.length <= BOUND / PACE, `${lost.length} lost`);
    });
  });
}
