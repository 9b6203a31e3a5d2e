// A server that takes connections and ends them at once must not keep the I/O thread, which all stores of a process share,
// and nobody may wait for it beyond his deadline.
'use strict';

const assert = require('node:assert/strict');
const { once } = require('node:events');
const net = require('node:net');
const { describe, it } = require('node:test');
const { createAuth } = require('latchgate');
const { fault } = require('../support/auths.js');
const { storeFault } = require('../support/faulty.js');
const { SECRET } = require('../support/jwt.js');
const { startProxy } = require('../support/proxy.js');
const { missing, startServer } = require('../support/servers.js');

describe('beside a server that ends every connection at once', async () => {
  const skip = await missing('redis');

  it('the stores of other servers work, and its own are told that it cannot be reached', {
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

  it('between two attempts to connect calls are told at their deadlines', { skip }, async (t) => {
    const server = await startServer(t);
    const proxy = await startProxy(t, { port: server.port });
    const auth = createAuth({ jwt: { secret: SECRET }, store: { url: proxy.url, commandTimeout: '40ms' } });
    t.after(() => auth.close());
    /** Calls that were told while no connection was made. */
    let told = 0;
    for (let connections = 0; told < 4 && connections < 20; connections = proxy.connections) {
      proxy.cutAfter({ commands: 1 });
      await assert.rejects(auth.ready(), storeFault);
      told = proxy.connections === connections ? told + 1 : 0;
    }
    assert.equal(told, 4);
  });
});
