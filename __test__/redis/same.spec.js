// Redis and Valkey give the same answers as the embedded store, over every kind of connection. The URL is the only
// difference.
'use strict';

const assert = require('node:assert/strict');
const { randomUUID } = require('node:crypto');
const { describe, it } = require('node:test');
const { open, unique } = require('../support/auths.js');
const { runScript } = require('../support/child.js');
const { SCENARIOS } = require('../support/scenarios.js');
const { trust } = require('../support/certificates.js');
const { KINDS, RESTRICTED, missing, startServer } = require('../support/servers.js');
const { transcript } = require('../support/transcript.js');

/** @typedef {import('../support/servers.js').Options} ServerOptions */
/** @typedef {import('../support/servers.js').RealServer} Server */

/** @type {Array<{ way: string, options: ServerOptions, url: (server: Server) => string }>} */
const WAYS = [
  { way: 'TCP', options: {}, url: (server) => server.url() },
  { way: 'a password', options: { password: 'p@ss:w/rd %41#?' }, url: (server) => server.url() },
  {
    way: 'a user who may run neither CONFIG nor INFO',
    options: { users: [RESTRICTED] },
    url: (server) => server.url(RESTRICTED),
  },
  { way: 'a unix socket', options: { socket: true }, url: (server) => server.socketUrl() },
  {
    way: 'a unix socket and a password',
    options: { socket: true, password: 'secret' },
    url: (server) => server.socketUrl(),
  },
  {
    way: 'TLS',
    options: { tls: true, password: 'secret' },
    url: (server) => server.tlsUrl(),
  },
  {
    way: 'TLS with a certificate that is not checked',
    options: { tls: true },
    url: (server) => server.tlsUrl({ insecure: true }),
  },
  { way: 'TCP, with the data on disk', options: { appendonly: true }, url: (server) => server.url() },
];

for (const { kind, name } of KINDS) {
  for (const { way, options, url } of WAYS) {
    describe(`${name} over ${way} answers as the embedded store does:`, async () => {
      const skip = await missing(kind);
      for (const scenario of SCENARIOS) {
        it(scenario.rule, { skip }, async (t) => {
          const server = await startServer(t, { kind, ...options });
          if (server.certificates !== undefined && !url(server).endsWith('#insecure'))
            trust(t, server.certificates.ca);
          const expected = await transcript(t, `memory:${randomUUID()}`, scenario);
          assert.deepEqual(await transcript(t, url(server), scenario), expected);
        });
      }
    });
  }

  describe(`${name} over TLS`, async () => {
    const skip = await missing(kind);

    it('is trusted if the environment names its certificate authority (SSL_CERT_FILE)', {
      skip,
    }, async (t) => {
      const server = await startServer(t, { kind, tls: true });
      const script = `
        const auth = latchgate.createAuth({ store: ${JSON.stringify(server.tlsUrl())}, jwt: { secret: SECRET } });
        await auth.ready();
        const { admitted } = await auth.sessions.admit('user');
        await auth.close();
        console.log(admitted);`;
      const { status, stdout, stderr } = await runScript(script, {
        env: { SSL_CERT_FILE: server.certificates?.ca },
      });
      assert.equal(status, 0, stderr);
      assert.equal(stdout.trim(), 'true');
    });
  });

  describe(`Auths on one ${name}`, async () => {
    const skip = await missing(kind);

    it('share all data, regardless of the writer', { skip }, async (t) => {
      const server = await startServer(t, { kind });
      const [one, two] = [open(t, { store: server.url() }), open(t, { store: server.url() })];
      const user = unique();
      await one.sessions.admit(user, { sessionId: 's', limit: 1 });
      assert.equal((await two.sessions.admit(user, { sessionId: 'z', limit: 1 })).admitted, false);
      const text = await two.tokens.issue(user);
      await one.tokens.revoke(text);
      assert.equal(await two.tokens.isRevoked(text), true);
      await two.quotas.consume('key', { limit: 3 }, { cost: 2 });
      assert.equal((await one.quotas.consume('key', { limit: 3 }, { cost: 2 })).allowed, false);
    });

    it('share no data under different prefixes, or in different databases', { skip }, async (t) => {
      const server = await startServer(t, { kind });
      const stores = [
        { url: server.url(), prefix: 'one' },
        { url: server.url(), prefix: 'two' },
        { url: server.url().replace(/0$/, '1'), prefix: 'one' },
      ];
      for (const store of stores) {
        const auth = open(t, { store, sessions: { limit: 1 } });
        assert.equal((await auth.sessions.admit('user', { sessionId: 's' })).admitted, true);
        assert.equal((await auth.quotas.consume('key', { limit: 1 })).allowed, true);
      }
      const keys = await server.keys();
      assert.ok(
        keys.every((key) => /^(one|two):/.test(key)),
        keys.join(' '),
      );
    });

    it('keep all keys of a user in one slot, with one hash tag that is not part of an id', {
      skip,
    }, async (t) => {
      const server = await startServer(t, { kind });
      const auth = open(t, { store: server.url(), sessions: { admission: 'first-use' } });
      const user = '{odd}:user{}*';
      await auth.tokens.revokeId({ jti: '{x}', userId: user, expiresAt: Date.now() + 60_000 });
      await auth.sessions.admit(user, { sessionId: '}{' });
      await auth.tokens.revokeUser(user);
      await auth.counters.add(user, '{c}', 1, { idempotencyKey: '{k}' });
      const tags = (await server.keys()).map((key) => /\{(.*?)\}/.exec(key)?.[1]);
      assert.equal(new Set(tags).size, 1);
      assert.match(String(tags[0]), /^\d+$/);
    });
  });
}
