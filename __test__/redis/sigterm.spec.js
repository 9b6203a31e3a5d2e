// SIGTERM during calls to a server: every accepted request is answered, no result is lost, and the process exits by
// itself.
'use strict';

const assert = require('node:assert/strict');
const path = require('node:path');
const { describe, it } = require('node:test');
const { open, unique } = require('../support/auths.js');
const { ROOT, runNode, runScript } = require('../support/child.js');
const { SECRET, token } = require('../support/jwt.js');
const { requests, statuses } = require('../support/processes.js');
const { startProxy } = require('../support/proxy.js');
const { KINDS, missing, startServer } = require('../support/servers.js');

const APP = path.join(ROOT, '__test__', 'support', 'apps', 'draining.js');
const AT_ONCE = 50;
const QUOTA = { limit: 1000, window: '1h', name: 'charged' };

/** @param {string[]} words of a command */
const isScript = ([name]) => /^eval/i.test(name);

for (const { kind, name } of KINDS) {
  describe(`SIGTERM while calls to ${name} are in flight`, async () => {
    const skip = await missing(kind);

    it('lets an app answer every request that it has accepted, and exit', { skip }, async (t) => {
      const server = await startServer(t, { kind });
      const proxy = await startProxy(t, { port: server.port });
      const judge = open(t, { store: server.url(), jwt: { secret: SECRET } });
      const user = unique();
      const text = token({ sub: user });
      /** @type {ReturnType<typeof requests> | undefined} */
      let asking;
      /** @type {(() => void) | undefined} */
      let release;
      const { status, signal, stdout, stderr } = await runNode([APP], {
        env: { STORE: proxy.url },
        onLine: async (line, child) => {
          if (line.includes('"port"')) {
            const { port } = JSON.parse(line);
            const question = { port, path: '/charged', token: text };
            assert.equal((await requests([question]))[0].status, 200);
            const held = proxy.hold(isScript);
            asking = requests(Array(AT_ONCE).fill(question), AT_ONCE);
            release = await held;
            child.kill('SIGTERM');
          }
          if (line === 'ending') release?.();
        },
      });
      assert.deepEqual({ status, signal }, { status: 0, signal: null }, stderr);
      const { taken, answered } = JSON.parse(String(stdout.trim().split('\n').at(-1)));
      assert.equal(answered, taken);
      const counts = statuses((await asking) ?? []);
      const got = 1 + (counts[200] ?? 0);
      assert.ok(got > 1, JSON.stringify(counts));
      // A connection that the app had not accepted when it closed is refused immediately.
      assert.deepEqual([got, got - 1 + (counts[0] ?? 0)], [taken, AT_ONCE], JSON.stringify(counts));
      assert.equal(await judge.counters.get(user, 'c'), got, 'each request was done once');
      const looked = await judge.authenticate({ token: text }, { quota: { ...QUOTA, cost: 0 } });
      assert.equal(
        looked.ok && looked.auth.quota?.remaining,
        QUOTA.limit - got,
        'each request was charged once',
      );
    });

    it('lets close() wait for every call, and the process exit by itself', { skip }, async (t) => {
      const server = await startServer(t, { kind });
      const proxy = await startProxy(t, { port: server.port });
      const judge = open(t, { store: server.url() });
      const key = unique('key');
      const script = `
        const auth = latchgate.createAuth({ store: { url: ${JSON.stringify(proxy.url)}, commandTimeout: '30s' }, jwt: { secret: SECRET } });
        await auth.ready();
        const counts = { resolved: 0, rejected: 0 };
        process.on('SIGTERM', async () => {
          console.log('ending');
          await auth.close();
          const late = await auth.quotas.peek('late', { limit: 1 }).catch((error) => error.code);
          console.log(JSON.stringify({ ...counts, late }));
        });
        const alive = setInterval(() => {}, 1000);
        process.once('SIGTERM', () => clearInterval(alive));
        for (let n = 0; n < ${AT_ONCE}; n++)
          auth.quotas.consume(${JSON.stringify(key)}, { limit: 1000 }).then(() => counts.resolved++, () => counts.rejected++);`;
      await judge.ready();
      await judge.quotas.consume(unique('warm'), { limit: 1000 });
      /** @type {Promise<() => void> | undefined} */
      let held;
      const ending = await runScript(script, {
        onStart: (child) => {
          held = proxy.hold((words) => isScript(words) && words.some((word) => word.includes(key)));
          held.then(() => child.kill('SIGTERM'));
        },
        onLine: async (line) => {
          if (line === 'ending') (await held)?.();
        },
      });
      assert.deepEqual([ending.status, ending.signal], [0, null], ending.stderr);
      assert.deepEqual(JSON.parse(String(ending.stdout.trim().split('\n').at(-1))), {
        resolved: AT_ONCE,
        rejected: 0,
        late: 'ERR_LATCHGATE_CLOSED',
      });
      assert.equal((await judge.quotas.peek(key, { limit: 1000 })).remaining, 1000 - AT_ONCE);
    });
  });
}
