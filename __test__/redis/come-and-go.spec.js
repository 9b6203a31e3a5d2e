// Users who run every operation once and never return leave no data on a server.
'use strict';

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const { open } = require('../support/auths.js');
const { KINDS } = require('../support/servers.js');
const { missingSteered, startSteered } = require('../support/steered.js');
const { FORGOTTEN, HOUR, OPTIONS, visits } = require('../support/visit.js');

/** bench/come-and-go.js uses a million users. */
const USERS = 3000;

for (const { kind, name } of KINDS) {
  describe(`on ${name}`, async () => {
    const skip = await missingSteered(kind);

    it(`${USERS} users who came and went leave no key except the receipt key`, { skip }, async (t) => {
      const { server, restartAt } = await startSteered(t, { kind });
      const now = Date.now();
      const store = { url: server.url(), commandTimeout: '30s' };
      const auth = open(t, { store, ...OPTIONS });
      await visits(auth, USERS, () => now);
      const size = () => server.command('DBSIZE');
      const before = await size();
      assert.ok(before > 5 * USERS, 'the users had keys');
      const ending = Number(/expires=(\d+)/.exec((await server.info('keyspace')).db0)?.[1]);
      assert.equal(before - ending, 2, 'all keys expire, except the receipt key and the layout');
      await auth.close();
      await restartAt(now + HOUR);
      assert.ok((await size()) > USERS, 'data that must be remembered is still there');
      await restartAt(now + FORGOTTEN);
      assert.deepEqual(await server.keys(), ['lg:mac']);
    });
  });
}
