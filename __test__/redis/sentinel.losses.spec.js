// What a failover may lose where the primary wants a replica (min-replicas-to-write, min-replicas-max-lag): what was answered
// within so many seconds, and not what came before.
'use strict';

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const { fault, open, unique } = require('../support/auths.js');
const { DEADLINES } = require('../support/faulty.js');
const { token } = require('../support/jwt.js');
const { startSentinels } = require('../support/sentinels.js');
const { KINDS, missing } = require('../support/servers.js');
const { pause, until } = require('../support/started.js');

/** Of min-replicas-max-lag, in seconds. */
const LAG = 1;
/**
 * A replica tells of itself once a second, the primary looks at that once a second, and both count in whole seconds: so much later
 * than the replica has fallen silent the last answer may come, in milliseconds; and one for a machine that has other work.
 */
const BOUND = LAG * 1000 + 3000 + 1000;
const PACE = 5;

for (const { kind, name } of KINDS) {
  describe(`where the primary of ${name} wants a replica,`, async () => {
    const skip = await missing(kind);
    const config = { 'min-replicas-to-write': 1, 'min-replicas-max-lag': LAG };

    it(`a failover to one that had fallen silent loses what was answered within ${BOUND} ms, and nothing from before`, {
      skip,
    }, async (t) => {
      // It keeps on disk what it has run: what its system has taken for it, and it has not read, goes with it.
      const set = await startSentinels(t, { kind, replicas: 1, appendonly: true, config });
      const auth = open(t, { store: { url: set.url(), ...DEADLINES } });
      const judge = open(t, { store: set.url() });
      await auth.ready();
      const primary = await set.primary();
      const [replica] = await set.replicas();
      await until('it has written its file', async () => {
        const told = await replica.info('persistence');
        return told.aof_rewrite_in_progress === '0' && told.aof_rewrite_scheduled === '0';
      });
      /** Answered with yes, in this order. @type {Array<{ text: string, at: number }>} */
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
      // It has no replica of its own, and would answer nobody.
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
      assert.ok(lost.length > 0, 'the test shows nothing where nothing is lost');
      assert.ok(lost[0].n >= before, 'what the replica had is not lost');
      assert.ok(within <= BOUND, `${within} ms`);
      assert.ok(lost.length <= BOUND / PACE, `${lost.length} lost`);
    });
  });
}
