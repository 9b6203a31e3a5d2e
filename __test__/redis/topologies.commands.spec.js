// The cost of a request behind Sentinels and in a Cluster: one command to one node, and no redirection. The nodes
// count the commands.
'use strict';

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const { serve } = require('../support/app.js');
const { open, unique } = require('../support/auths.js');
const { get } = require('../support/http.js');
const { REQUESTS, ROUNDS } = require('../support/requests.js');
const { TOPOLOGIES, shared } = require('../support/topologies.js');

for (const { name, missing, start } of TOPOLOGIES) {
  describe(`on ${name}, one request is one command to one node:`, async () => {
    const skip = await missing();
    const servers = shared(start, skip);

    for (const { what, options, policy, status, commands = 1, texts } of REQUESTS) {
      it(what, { skip }, async (t) => {
        const auth = open(t, { store: servers().url(), ...options });
        const port = await serve(t, (app) => {
          app.get('/', auth.middleware(policy), (_req, res) => void res.sendStatus(200));
        });
        const next = await texts(auth, unique());
        await auth.ready();
        for (let n = 0; n < 5; n++) assert.equal((await get(port, '/', next())).status, status);
        for (const node of servers().nodes) await node.resetStats();
        const half = ROUNDS / 2;
        for (let n = 0; n < half; n++) assert.equal((await get(port, '/', next())).status, status);
        const together = await Promise.all(Array.from({ length: half }, () => get(port, '/', next())));
        for (const answer of together) assert.equal(answer.status, status);
        /** @type {Record<string, number>} */
        const sums = {};
        for (const node of servers().nodes) {
          for (const [command, calls] of Object.entries(await node.commandstats()))
            sums[command] = (sums[command] ?? 0) + calls;
          assert.deepEqual(await node.info('errorstats'), {});
        }
        const { evalsha, eval: whole, script, asking } = /** @type {any} */ (sums);
        assert.deepEqual(
          { evalsha, whole, script, asking },
          { evalsha: ROUNDS * commands, whole: undefined, script: undefined, asking: undefined },
        );
      });
    }
  });
}
