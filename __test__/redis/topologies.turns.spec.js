// Turns on servers behind Sentinels and on a Cluster. A message wakes a waiter, for any node of the key and any node
// of the subscriber. A held turn survives a failover of its primary.
'use strict';

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const { fault, open, unique } = require('../support/auths.js');
const { slotOf, slotOfUser } = require('../support/clusters.js');
const { DEADLINES } = require('../support/faulty.js');
const { token } = require('../support/jwt.js');
const { RACES } = require('../support/races/turns.js');
const { until } = require('../support/started.js');
const { TOPOLOGIES, shared } = require('../support/topologies.js');
const { aborted, areGrowing, held } = require('../support/turns.js');

/** @typedef {import('latchgate').Auth} Auth */
/** @typedef {import('../support/topologies.js').Servers} Servers */

const OPTIONS = { sessions: { admission: /** @type {const} */ ('first-use') } };
/** With these times, only a message can end the wait during the test. */
const LONG = { ttl: '1h', maxHold: '1h', wait: '1h' };

/** @param {Auth} auth @param {string} key @param {object} [options] */
const hold = (auth, key, options = LONG) =>
  held((/** @type {any} */ work) => auth.locks.runExclusive(key, work, options));

/** Returns the number of waiters. @param {Servers} servers */
async function waiting({ nodes }) {
  let count = 0;
  for (const node of nodes) {
    if (node.isStill || (await node.command('ROLE'))[0] !== 'master') continue;
    const lines = (await node.keys()).filter((key) => key.split(':')[2] === 'lq');
    for (const line of lines) count += await node.command('ZCARD', line);
  }
  return count;
}

for (const { name, missing, start } of TOPOLOGIES) {
  describe(`turns on ${name}`, async () => {
    const skip = await missing();
    const servers = shared(start, skip);

    for (const { rule, racers, run, check } of RACES) {
      it(`${rule} (${racers} racers)`, { skip }, async () => check(await run(servers().url(), racers)));
    }

    it('are passed on by a message, for any node of the key', { skip }, async (t) => {
      const [auth, other] = [1, 2].map(() => open(t, { store: servers().url() }));
      const keys = Array.from({ length: 30 }, () => unique('key'));
      const holders = await Promise.all(keys.map((key) => hold(other, key)));
      const turns = keys.map((key) => auth.locks.runExclusive(key, ({ fence }) => fence, LONG));
      await until('all wait', async () => (await waiting(servers())) === keys.length);
      for (const { leave } of holders) leave();
      const fences = await Promise.all(turns);
      assert.ok(fences.every((fence, n) => fence > holders[n].lease.fence));
    });

    it('of a user end with the credential, and a barrier and signals work across Auths', {
      skip,
    }, async (t) => {
      const acks = 1;
      const auth = open(t, { ...OPTIONS, store: servers().url() });
      const other = open(t, { ...OPTIONS, store: { url: servers().url(), acks } });
      for (let n = 0; n < 5; n++) {
        const user = unique();
        const answer = await auth.authenticate({ token: token({ sub: user, sid: 's' }) });
        assert.ok(answer.ok);
        const { auth: own } = answer;
        const { signal } = own;
        const holder = await held((work) => own.runExclusive(work, LONG));
        const refused = assert.rejects(
          own.runExclusive(() => 1, LONG),
          fault('REVOKED'),
        );
        const revoking = other.tokens.revokeUser(user, { barrier: true, wait: '1h' });
        assert.ok(fault('REVOKED')(await aborted(signal)));
        holder.leave();
        assert.equal(await holder.done, 'done');
        assert.ok(Number((await revoking).fence) > holder.lease.fence);
        await refused;
      }
    });
  });

  describe(`when the primary of ${name} fails`, async () => {
    const skip = await missing();
    const servers = shared(start, skip);

    it('the new primary wakes the waiters, and fences keep growing', { skip }, async (t) => {
      const set = servers();
      const auth = open(t, { store: { url: set.url(), ...DEADLINES } });
      const other = open(t, { store: { url: set.url(), ...DEADLINES } });
      const key = unique('key');
      const holder = await hold(other, key);
      const turn = auth.locks.runExclusive(key, ({ fence }) => fence, LONG);
      await until('it waits', async () => (await waiting(set)) === 1);
      const primary = 'primary' in set ? await set.primary() : await set.ownerOf(slotOfUser(key));
      await primary.command('SET', `{${slotOf(key)}}mark`, 1);
      assert.ok((await primary.command('WAIT', 1, 10_000)) > 0);
      await primary.stop();
      await set.failedOver(primary, slotOfUser(key));
      await until('the holder reaches the new primary', () => holder.lease.extend('1h').catch(() => false));
      holder.leave();
      assert.equal(await holder.done, 'done');
      assert.ok(areGrowing([holder.lease.fence, await turn]));
    });
  });
}
