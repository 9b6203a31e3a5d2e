// A connection that swallows data. Calls that wait on it fail at their timeout, and so does at most one call that
// starts at that moment. The next call uses a new connection. With the default timeout of one second, a new
// connection is used within two seconds, in every topology.
'use strict';

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const { fault, open, unique } = require('../support/auths.js');
const { DEADLINES } = require('../support/faulty.js');
const { startProxy } = require('../support/proxy.js');
const { PROXIED } = require('../support/proxied.js');
const { KINDS, missing, startServer } = require('../support/servers.js');
const { until } = require('../support/started.js');

/** @typedef {{ url: string, proxies: Array<Awaited<ReturnType<typeof startProxy>>> }} Site */

/** @type {Array<{ name: string, missing: () => Promise<string | false>, start: (t: import('node:test').TestContext) => Promise<Site> }>} */
const SITES = [
  ...KINDS.map(({ kind, name }) => ({
    name: `${name} alone`,
    missing: () => missing(kind),
    start: async (/** @type {import('node:test').TestContext} */ t) => {
      const server = await startServer(t, { kind });
      const proxy = await startProxy(t, { port: server.port });
      return { url: proxy.url, proxies: [proxy] };
    },
  })),
  ...PROXIED,
];

const RULE = { limit: 10, window: '1h' };

for (const { name, missing, start } of SITES) {
  describe(`when connections to ${name} swallow data,`, async () => {
    const skip = await missing();

    it('two timeouts pass at most, and the next call uses a new connection', { skip }, async (t) => {
      const { url, proxies } = await start(t);
      const auth = open(t, { store: { url, ...DEADLINES } });
      await auth.ready();
      const accepted = () => proxies.map(({ connections }) => connections);
      // All calls go to one server. Dead connections to the other servers are detected when they are used.
      const user = unique();
      for (let round = 0; round < 3; round++) {
        const { remaining } = await auth.quotas.consume(user, RULE);
        const before = accepted();
        for (const proxy of proxies) proxy.blackHole({ fresh: false });
        let faults = 0;
        await until('a call succeeds', async () => {
          const told = await auth.quotas.consume(user, RULE).catch((error) => {
            assert.ok(fault('STORE_TIMEOUT')(error));
            faults++;
          });
          return told !== undefined;
        });
        assert.ok(faults >= 1 && faults <= 2, `${faults} timeouts passed`);

        assert.equal(
          (await auth.quotas.peek(user, RULE)).remaining,
          remaining - 1,
          'the swallowed calls did not run',
        );
        assert.ok(
          accepted().some((count, n) => count > before[n]),
          'a new connection was used',
        );
      }
    });
  });
}
