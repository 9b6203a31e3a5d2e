// store.acks when a primary fails under load: no acknowledged operation is lost. The operations are revocations of
// every kind, admissions, logins, refreshes and turns.
'use strict';

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const { OPTIONS, asking } = require('../support/acknowledged.js');
const { open, unique } = require('../support/auths.js');
const { slotOfUser, startCluster } = require('../support/clusters.js');
const { DEADLINES } = require('../support/faulty.js');
const { sound, work } = require('../support/ledger.js');
const { startSentinels } = require('../support/sentinels.js');
const { KINDS, missing } = require('../support/servers.js');
const { until } = require('../support/started.js');

/** @typedef {import('node:test').TestContext} Test */
/** @typedef {import('latchgate').Auth} Auth */
/** @typedef {import('../support/servers.js').RealServer} Server */
/** @typedef {Awaited<ReturnType<typeof startSentinels>>} Sentinels */
/** @typedef {ReturnType<typeof work>} Work */
/** @typedef {ReturnType<typeof asking>} Asking */

/**
 * Stops both workloads, reports their accounts, and asserts that no acknowledged operation is lost.
 * @param {Test} t
 * @param {Work} going
 * @param {Asking} asked
 * @param {Auth} judge
 */
async function assertNothingLost(t, going, asked, judge) {
  await Promise.all([going.stop(), asked.stop()]);
  const account = await going.account(judge);
  const { done, lost } = await asked.account(judge);
  t.diagnostic(JSON.stringify({ ...account, faults: asked.faults, acknowledged: done }));
  sound(account);
  const { lostRevocations, lostAdmissions } = account;
  assert.deepEqual({ lostRevocations, lostAdmissions }, { lostRevocations: 0, lostAdmissions: 0 });
  for (const [what, times] of Object.entries(done)) assert.ok(times > 0, what);
  assert.deepEqual(lost, {});
}

for (const { kind, name } of KINDS) {
  describe(`acks on ${name}:`, async () => {
    const skip = await missing(kind);

    /** @type {Array<{ what: string, acks: number, fell: (primary: Server, set: Sentinels) => Promise<unknown> | void, back?: (primary: Server) => Promise<unknown> | void }>} */
    const falls = [
      {
        what: 'is killed (acks: one of two replicas)',
        acks: 1,
        fell: (primary) => primary.stop(),
        back: (primary) => primary.start(),
      },
      {
        what: 'hangs (acks: one of two replicas)',
        acks: 1,
        fell: (primary) => primary.pause(),
        back: (primary) => primary.resume(),
      },
      {
        what: 'is replaced by a replica (acks: both replicas)',
        acks: 2,
        fell: (primary, set) => set.depose(primary),
      },
    ];
    for (const { what, acks, fell, back } of falls)
      it(`no acknowledged operation is lost when the primary ${what}`, { skip }, async (t) => {
        const set = await startSentinels(t, { kind });
        const auth = open(t, { ...OPTIONS, store: { url: set.url(), ...DEADLINES, acks } });
        const judge = open(t, { ...OPTIONS, store: set.url() });
        const primary = await set.primary();
        const going = work(t, auth);
        const beside = open(t, { ...OPTIONS, store: { url: set.url(), ...DEADLINES } });
        const asked = asking(t, auth, beside);
        await going.smooth();
        await fell(primary, set);
        const next = await set.failedOver(primary);
        await back?.(primary);
        await set.follows(primary);
        await until('the new primary runs scripts, and its replicas acknowledge', async () => {
          await going.smooth();
          return (await next.scriptsRun()) > 0;
        });
        await set.leads(judge);
        await assertNothingLost(t, going, asked, judge);
      });

    it('no acknowledged operation is lost when a master of a Cluster is killed', {
      skip,
    }, async (t) => {
      const servers = await startCluster(t, { kind });
      const auth = open(t, { ...OPTIONS, store: { url: servers.url(), ...DEADLINES, acks: 1 } });
      const judge = open(t, { ...OPTIONS, store: servers.url(servers.nodes) });
      const [master] = await servers.masters();
      const users = [...(await servers.usersOf(master, unique, 4)), unique(), unique()];
      const going = work(t, auth, users);
      const beside = open(t, { ...OPTIONS, store: { url: servers.url(), ...DEADLINES } });
      const asked = asking(t, auth, beside);
      await going.smooth();
      await master.stop();
      await servers.failedOver(master, slotOfUser(users[0]));
      await master.start();
      await servers.follows(master);
      await going.smooth();
      await servers.leads(judge);
      await assertNothingLost(t, going, asked, judge);
    });
  });
}
