// store.acks in a Cluster whose slots move: a redirected write also waits for the replicas of the node that runs it.
'use strict';

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const { fault, open, unique } = require('../support/auths.js');
const { slotOfUser, startCluster } = require('../support/clusters.js');
const { KINDS, missing } = require('../support/servers.js');

/** @typedef {import('../support/servers.js').RealServer} Server */
/** @typedef {Awaited<ReturnType<typeof startCluster>>} Cluster */

const OPTIONS = { sessions: { admission: /** @type {const} */ ('first-use') } };

/**
 * Moves the slot of a user who has a session. The result of `move` completes the move. @type {Array<{ error:
 * 'MOVED' | 'ASK', move: (servers: Cluster, slot: number, to: Server) => Promise<() => Promise<void>> }>}
 */
const MOVES = [
  {
    error: 'MOVED',
    move: async (servers, slot, to) => {
      await servers.moveSlot(slot, to);
      return async () => {};
    },
  },
  {
    error: 'ASK',
    move: async (servers, slot, to) => {
      const from = await servers.beginMove(slot, to);
      await servers.moveKeys(from, to, await from.command('CLUSTER', 'GETKEYSINSLOT', slot, 100));
      return () => servers.endMove(slot, from, to);
    },
  },
];

for (const { kind, name } of KINDS) {
  describe(`acks in a Cluster of ${name} whose slots move:`, async () => {
    const skip = await missing(kind);
    for (const { error, move } of MOVES)
      it(`a revocation that is redirected (${error}) resolves only if a replica of the new node holds it`, {
        skip,
      }, async (t) => {
        const servers = await startCluster(t, { kind });
        const [held, unheld] = [1, 2].map((acks) =>
          open(t, { ...OPTIONS, store: { url: servers.url(), commandTimeout: '2s', acks } }),
        );
        const other = open(t, { ...OPTIONS, store: servers.url() });
        await Promise.all([held.ready(), unheld.ready(), other.ready()]);
        for (const auth of [held, unheld]) {
          const user = unique();
          const slot = slotOfUser(user);
          const owner = await servers.ownerOf(slot);
          const [to] = (await servers.masters()).filter((master) => master !== owner);
          await other.sessions.admit(user);
          const end = await move(servers, slot, to);
          const before = await servers.errors(error);
          const asked = auth.tokens.revokeUser(user);
          if (auth === held) await asked;
          else await assert.rejects(asked, fault('STORE_TIMEOUT'));
          assert.ok((await servers.errors(error)) > before, 'the call was redirected');
          const [replica] = await servers.replicasOf(to);
          if (auth === held) assert.ok((await replica.keys()).some((key) => key.endsWith(`:u:${user}`)));
          await end();
        }
      });
  });
}
