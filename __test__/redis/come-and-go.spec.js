// Users who come, do everything once, and never come again leave nothing on a server.
'use strict';

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const { open } = require('../support/auths.js');
const { KINDS } = require('../support/servers.js');
const { missingSteered, startSteered } = require('../support/steered.js');
const { FORGOTTEN, HOUR, OPTIONS, visits } = require('../support/visit.js');

/** A million by bench/come-and-go.js. */
const USERS = 3000;

for (const { kind, name } of KINDS) {
  describe(`on ${name}`, async () => {
    const skip = await missingSteered(kind);

    it(`of ${USERS} users who came and went nothing is left but the key of receipts`, { skip }, async (t) => {
      const { server, restartAt } = await startSteered(t, { kind });
      const now = Date.now();
      const store = { url: server.url(), commandTimeout: '30s' };
      const auth = open(t, { store, ...OPTIONS });
      await visits(auth, USERS, () => now);
      const size = () => server.command('DBSIZE');
      const before = await size();
      assert.ok(before > 5 * USERS, 'they were there');
      const ending = Number(/expires=(\d+)/.exec((await server.info('keyspace')).db0)?.[1]);
      assert.equal(
        before - ending,
        2,
        'all that they left has an end: the key of receipts and the layout have none',
      );
      await auth.close();
      await restartAt(now + HOUR);
      assert.ok((await size()) > USERS, 'what must be remembered still is');
      await restartAt(now + FORGOTTEN);
      assert.deepEqual(await server.keys(), ['lg:mac']);
    });
  });
}
