// A process whose store is on a server exits by itself, although resources stay open: connections, a subscriber,
// held turns and watched signals. Only a pending wait keeps the process alive.
'use strict';

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const { open } = require('../support/auths.js');
const { runScript } = require('../support/child.js');
const { startCluster } = require('../support/clusters.js');
const { missing, startServer } = require('../support/servers.js');
const { shared } = require('../support/topologies.js');

/** @typedef {{ url: () => string }} Store */

/** @type {Array<{ name: string, start: (t: import('../support/started.js').Test) => Promise<Store> }>} */
const STORES = [
  { name: 'a server', start: (t) => startServer(t) },
  { name: 'a Cluster', start: (t) => startCluster(t, { replicas: 0 }) },
];

for (const { name, start } of STORES) {
  describe(`a process whose store is on ${name}`, async () => {
    const skip = await missing('redis');
    const store = shared(start, skip);

    /**
     * @param {string} script
     * @returns {Promise<string>} its stdout. The process has exited by itself, with an empty stderr
     */
    const run = async (script) => {
      const { status, signal, stdout, stderr } = await runScript(`
        const auth = latchgate.createAuth({
          store: ${JSON.stringify(store().url())}, jwt: { secret: SECRET }, sessions: { limit: 3 },
        });
        const { locks, sessions, tokens } = auth;
        ${script}`);
      assert.deepEqual({ status, signal, stderr }, { status: 0, signal: null, stderr: '' });
      return stdout.trim();
    };

    it('exits by itself with an idle Auth that was never closed', { skip }, async () => {
      const script = `
        auth.middleware();
        const { admitted } = await sessions.admit('idle');
        console.log(admitted);`;
      assert.equal(await run(script), 'true');
    });

    it('exits by itself while it subscribes, holds turns and watches a signal', { skip }, async (t) => {
      const printed = await run(`
        const enter = async (user) => {
          const { accessToken } = await tokens.login(user);
          return (await auth.authenticate({ token: accessToken })).auth;
        };
        const { signal } = await enter('gone');
        const waiting = new Promise((resolve) => signal.addEventListener('abort', resolve));
        const vigil = setInterval(() => {}, 1000);
        await tokens.revokeUser('gone');
        await waiting;
        clearInterval(vigil);
        const own = await enter('here');
        // Longer than the test would wait.
        const long = { maxHold: '1h' };
        const { fence } = await locks.acquire('k', long);
        const hold = (run) => new Promise((resolve) => run(() => new Promise(() => resolve())));
        await hold((work) => locks.runExclusive('l', work, long));
        await hold((work) => own.runExclusive(work, long));
        console.log(fence, signal.aborted, own.signal.aborted);`);
      const [fence, ...aborted] = printed.split(' ');
      assert.deepEqual(aborted, ['true', 'false']);
      // Other processes get its turns when the leases are over.
      const { locks } = open(t, { store: store().url() });
      const lease = await locks.acquire('k', { wait: '50s' });
      assert.ok(lease.fence > Number(fence));
      await lease.release();
    });

    it('stays alive while a caller waits for a turn, until the wait is over', { skip }, async () => {
      const script = `
        await locks.acquire('busy', { ttl: '1h', maxHold: '1h' });
        await locks.acquire('busy', { wait: 1500 }).catch((error) => console.log(error.code));`;
      assert.equal(await run(script), 'ERR_LATCHGATE_BUSY');
    });
  });
}
