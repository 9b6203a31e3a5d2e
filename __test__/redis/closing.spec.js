// A server that accepts connections and closes them immediately must not occupy the I/O thread that all stores of a
// process share. No call may wait for that server beyond its timeout. close() waits for operations that have begun.
'use strict';

const assert = require('node:assert/strict');
const { once } = require('node:events');
const net = require('node:net');
const { describe, it } = require('node:test');
const { setImmediate } = require('node:timers/promises');
const { createAuth } = require('latchgate');
const { fault, open } = require('../support/auths.js');
const { storeFault } = require('../support/faulty.js');
const { SECRET } = require('../support/jwt.js');
const { startProxy } = require('../support/proxy.js');
const { missing, startServer } = require('../support/servers.js');

/** @typedef {import('latchgate').Auth} Auth */

describe('next to a server that closes every connection immediately', async () => {
  const skip = await missing('redis');

  it('stores of other servers work, and stores of that server report that it cannot be reached', {
    skip,
  }, async (t) => {
    let connections = 0;
    const broken = net.createServer((socket) => {
      connections++;
      socket.on('error', () => {});
      if (connections % 2 === 0) socket.destroy();
      else socket.resetAndDestroy();
    });
    broken.listen(0, '127.0.0.1');
    await once(broken, 'listening');
    t.after(() => broken.close());
    const { port } = /** @type {net.AddressInfo} */ (broken.address());
    const server = await startServer(t);
    const jwt = { secret: SECRET };
    const auths = Array.from({ length: 8 }, () => createAuth({ jwt, store: `redis://127.0.0.1:${port}` }));
    const working = createAuth({ jwt, store: server.url() });
    t.after(() => Promise.all([...auths, working].map((auth) => auth.close())));
    for (let round = 0; round < 10; round++) {
      await working.ready();
      await Promise.all(auths.map((auth) => assert.rejects(auth.ready(), fault('STORE_UNAVAILABLE'))));
    }
    assert.ok(connections > 0);
  });

  it('between two connection attempts, calls fail at their timeouts', { skip }, async (t) => {
    const server = await startServer(t);
    const proxy = await startProxy(t, { port: server.port });
    const auth = createAuth({ jwt: { secret: SECRET }, store: { url: proxy.url, commandTimeout: '40ms' } });
    t.after(() => auth.close());
    /** Number of consecutive calls that failed while no connection was made. */
    let told = 0;
    for (let connections = 0; told < 4 && connections < 20; connections = proxy.connections) {
      proxy.cutAfter({ commands: 1 });
      await assert.rejects(auth.ready(), storeFault);
      told = proxy.connections === connections ? told + 1 : 0;
    }
    assert.equal(told, 4);
  });
});

describe('close() during an operation of several steps', async () => {
  const skip = await missing('redis');
  const text = 'imported-key-of-enough-characters';
  /** @type {Array<[string, (auth: Auth) => Promise<unknown>, (auth: Auth) => Promise<unknown>, unknown]>} what, the call, what is asked then, and its answer */
  const CALLS = [
    [
      'the import of a key',
      ({ apiKeys }) => apiKeys.create({ ownerId: 'new', key: `new-${text}` }),
      async ({ apiKeys }) => (await apiKeys.check(`new-${text}`)).valid,
      true,
    ],
    [
      'the first charge',
      ({ quotas }) => quotas.consume('k', { limit: 5 }),
      async ({ quotas }) => (await quotas.peek('k', { limit: 5 })).remaining,
      4,
    ],
    [
      'another expiry',
      (auth) => auth.apiKeys.update(idOf(auth), { expiresAt: Date.now() + 1e9 }),
      async ({ apiKeys }) => typeof (await apiKeys.list('old'))[0].expiresAt,
      'number',
    ],
    [
      'a list',
      ({ apiKeys }) => apiKeys.list('old'),
      async ({ apiKeys }) => (await apiKeys.list('old')).length,
      1,
    ],
    [
      'a revoked key',
      (auth) => auth.apiKeys.revoke(idOf(auth)),
      async ({ apiKeys }) => (await apiKeys.check(`old-${text}`)).valid,
      false,
    ],
    [
      'a revoked user and the keys of the user',
      ({ tokens }) => tokens.revokeUser('old', { apiKeys: true }),
      async ({ apiKeys }) => (await apiKeys.check(`old-${text}`)).valid,
      false,
    ],
  ];
  /** @type {Map<Auth, string>} */
  const known = new Map();
  const idOf = (/** @type {Auth} */ auth) => /** @type {string} */ (known.get(auth));

  for (const [what, call, ask, answer] of CALLS) {
    it(`waits for ${what}, in any event loop turn`, { skip }, async (t) => {
      const server = await startServer(t);
      const onlooker = open(t, { store: server.url(), apiKeys: {} });
      for (let turns = 0; turns < 12; turns++) {
        await server.flushAll();
        const { keyId } = await onlooker.apiKeys.create({ ownerId: 'old', key: `old-${text}` });
        const auth = open(t, { store: server.url(), apiKeys: {} });
        await auth.ready();
        known.set(auth, keyId);
        const done = call(auth);
        for (let turn = 0; turn < turns; turn++) await setImmediate();
        await auth.close();
        await assert.doesNotReject(done);
        assert.equal(await ask(onlooker), answer);
      }
    });
  }
});
