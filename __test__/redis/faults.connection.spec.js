// Faults on the connection to the server: no server, no reply, no permission. The status is always 503 within the
// timeout and never 401. The store recovers automatically.
'use strict';

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const { serve } = require('../support/app.js');
const { fault, open, unique } = require('../support/auths.js');
const {
  DEADLINES,
  faulty,
  newcomers,
  recovered,
  status,
  storeFault,
  tally,
} = require('../support/faulty.js');
const { get } = require('../support/http.js');
const { token } = require('../support/jwt.js');
const { startProxy } = require('../support/proxy.js');
const { KINDS, missing, startServer } = require('../support/servers.js');
const { freePort, until } = require('../support/started.js');

const SESSIONS = /** @type {const} */ ({ admission: 'first-use' });
const TRIES = 20;

for (const { kind, name } of KINDS) {
  describe(`a store that, being ${name},`, async () => {
    const skip = await missing(kind);

    it('refuses connections from the start is 503 for requests, a fault for calls, and is found when it is available', {
      skip,
    }, async (t) => {
      const server = await startServer(t, { kind });
      const proxy = await startProxy(t, { port: server.port });
      await proxy.refuse();
      const auth = open(t, { store: { url: proxy.url, ...DEADLINES }, sessions: SESSIONS });
      let handled = 0;
      const port = await serve(t, (app) => {
        app.use(auth.middleware());
        app.get('/', (_req, res) => {
          handled++;
          res.sendStatus(200);
        });
      });
      const text = token({ sub: unique(), sid: 's' });
      await assert.rejects(auth.ready(), storeFault);
      const answer = await get(port, '/', text);
      assert.equal(answer.status, 503);
      assert.equal(answer.body, '{"error":"store_unavailable"}');
      assert.match(String(answer.header('retry-after')), /^[1-9]\d*$/);
      assert.equal(answer.header('cache-control'), 'no-store');
      assert.equal(answer.header('www-authenticate'), undefined);
      assert.equal(handled, 0);
      await assert.rejects(auth.sessions.admit(unique()), storeFault);
      await assert.rejects(auth.tokens.revoke(text), storeFault);
      await assert.rejects(auth.tokens.revokeUser(unique()), storeFault);
      await proxy.pass();
      await recovered(auth, text);
      assert.equal((await get(port, '/', text)).status, 200);
      assert.equal(handled, 1);
      await auth.ready();
    });

    it('goes away and refuses connections is 503, and is found again when it is back', {
      skip,
    }, async (t) => {
      const { proxy, auth, live } = await faulty(t, { server: { kind } });
      await proxy.refuse();
      assert.deepEqual(await tally(auth, Array(TRIES).fill(live)), { 503: TRIES });
      await proxy.pass();
      await recovered(auth, live);
    });

    it('is unreachable does not change the 401 of an invalid token', {
      skip,
    }, async (t) => {
      const { proxy, auth } = await faulty(t, { server: { kind } });
      await proxy.refuse();
      assert.equal(
        await status(auth, token({ sub: unique() }, { key: 'another key that is as long as is asked for' })),
        401,
      );
      const now = Math.floor(Date.now() / 1000);
      assert.equal(await status(auth, token({ iat: now - 100, exp: now - 50 })), 401);
      assert.equal(await status(auth, 'no.such.token'), 401);
    });

    it('expects another password is 503, and is found when the password is changed', { skip }, async (t) => {
      const server = await startServer(t, { kind, password: 'right' });
      const url = server.url({ password: 'sesame-7f' });
      const auth = open(t, { store: { url, ...DEADLINES }, sessions: SESSIONS });
      const text = token({ sub: unique(), sid: 's' });
      await assert.rejects(auth.ready(), (/** @type {any} */ error) => {
        assert.ok(
          !JSON.stringify([error.message, error.stack, String(error.cause)]).includes('sesame-7f'),
          'errors do not contain the password',
        );
        assert.match(error.message, /refused the login \(WRONGPASS\): check user and password/);
        assert.ok(error.message.includes(`127.0.0.1:${server.port}: `));
        return storeFault(error);
      });
      const { ok, warnings } = await auth.health();
      assert.ok(!ok && /refused the login/.test(warnings[0]), 'health() states the reason');
      assert.deepEqual(await tally(auth, Array(TRIES).fill(text)), { 503: TRIES });
      await server.configure('requirepass', 'sesame-7f');
      await recovered(auth, text);
    });

    it('expects a password and gets none is 503', { skip }, async (t) => {
      const server = await startServer(t, { kind, password: 'right' });
      const auth = open(t, {
        store: { url: `redis://127.0.0.1:${server.port}`, ...DEADLINES },
        sessions: SESSIONS,
      });
      await assert.rejects(auth.ready(), fault('STORE_UNAVAILABLE', /wants a password \(NOAUTH\)/));
      assert.deepEqual(await tally(auth, newcomers(TRIES)), { 503: TRIES });
    });

    it('has an unknown host name is 503', async (t) => {
      const auth = open(t, {
        store: { url: 'redis://no-such-host.invalid:6379', ...DEADLINES },
        sessions: SESSIONS,
      });
      await assert.rejects(auth.ready(), storeFault);
      assert.deepEqual(await tally(auth, newcomers(TRIES)), { 503: TRIES });
    });

    it('does not speak TLS although it should, or has an untrusted certificate, is 503', {
      skip,
    }, async (t) => {
      const server = await startServer(t, { kind, tls: true });
      for (const [url, told] of /** @type {Array<[string, RegExp]>} */ ([
        [`rediss://127.0.0.1:${server.port}`, /./],
        [server.tlsUrl(), /its certificate is not trusted: SSL_CERT_FILE/],
        [`redis://127.0.0.1:${server.tlsPort}`, /where it speaks TLS, the URL begins with rediss/],
      ])) {
        const auth = open(t, { store: { url, ...DEADLINES }, sessions: SESSIONS });
        await assert.rejects(auth.ready(), fault('STORE_UNAVAILABLE', told), url);
        assert.deepEqual(await tally(auth, newcomers(TRIES)), { 503: TRIES }, url);
      }
    });

    it('does not speak the protocol is 503', { skip }, async (t) => {
      const port = await serve(t, () => {});
      const auth = open(t, { store: { url: `redis://127.0.0.1:${port}`, ...DEADLINES }, sessions: SESSIONS });
      await assert.rejects(auth.ready(), storeFault);
      assert.deepEqual(await tally(auth, newcomers(TRIES)), { 503: TRIES });
      const closed = open(t, {
        store: { url: `redis://127.0.0.1:${await freePort()}`, ...DEADLINES },
        sessions: SESSIONS,
      });
      assert.deepEqual(await tally(closed, newcomers(TRIES)), { 503: TRIES });
    });

    it('swallows the data of the open connection is 503 until the connection is replaced', {
      skip,
    }, async (t) => {
      const { proxy, auth, live } = await faulty(t, { server: { kind } });
      const { connections } = proxy;
      proxy.blackHole({ fresh: false });
      assert.deepEqual(await tally(auth, Array(TRIES).fill(live)), { 503: TRIES });
      await recovered(auth, live);
      assert.ok(proxy.connections > connections, 'the recovery uses a new connection');
      assert.deepEqual(await tally(auth, Array(TRIES).fill(live)), { 200: TRIES });
    });

    it('swallows all data is 503, each call within its timeout, and is found again afterwards', {
      skip,
    }, async (t) => {
      const { proxy, auth, live, user } = await faulty(t, { server: { kind } });
      proxy.blackHole();
      for (let round = 0; round < 3; round++)
        assert.deepEqual(await tally(auth, Array(TRIES).fill(live)), { 503: TRIES });
      await assert.rejects(auth.sessions.end(user, 'live'), storeFault);
      await proxy.pass();
      await recovered(auth, live);
    });

    it('has closed its side silently is 503 at most until the connection is replaced', {
      skip,
    }, async (t) => {
      const { proxy, auth, live } = await faulty(t, { server: { kind } });
      proxy.halfOpen();
      const counts = await tally(auth, Array(TRIES).fill(live));
      assert.equal((counts[200] ?? 0) + (counts[503] ?? 0), TRIES);
      await recovered(auth, live);
    });

    it('closes the connection repeatedly is 503 at most, and never runs the same request twice', {
      skip,
    }, async (t) => {
      const { server, proxy, auth, live } = await faulty(t, { server: { kind } });
      await server.resetStats();
      let asked = 0;
      for (let round = 0; round < 20; round++) {
        const asking = tally(auth, Array(TRIES).fill(live));
        asked += TRIES;
        // The cut comes before anything is sent, during the exchange, or afterwards.
        for (let turn = 0; turn < round % 7; turn++) await new Promise(setImmediate);
        proxy.cut();
        const counts = await asking;
        assert.equal((counts[200] ?? 0) + (counts[503] ?? 0), TRIES, JSON.stringify(counts));
      }
      assert.ok((await server.scriptsRun()) <= asked);
      await recovered(auth, live);
    });

    it('hangs is 503 within the timeout, and never returns the reply to an earlier call', {
      skip,
    }, async (t) => {
      const { server, auth, live, user } = await faulty(t, { server: { kind } });
      server.pause();
      t.after(() => server.resume());
      assert.deepEqual(await tally(auth, Array(TRIES).fill(live)), { 503: TRIES });
      await assert.rejects(auth.sessions.list(user), storeFault);
      server.resume();
      await recovered(auth, live);
      const [session, other] = await Promise.all([auth.sessions.list(user), auth.sessions.list(unique())]);
      assert.deepEqual(
        session.map(({ sessionId }) => sessionId),
        ['live'],
      );
      assert.deepEqual(other, []);
    });

    it('cannot be reached keeps no process alive after close(), and close() resolves', {
      skip,
    }, async (t) => {
      const { proxy, auth, live } = await faulty(t, { server: { kind } });
      proxy.blackHole();
      const asking = status(auth, live);
      await auth.close();
      assert.equal(await asking, 503);
      await until('the connections of the Auth are gone', () => proxy.open === 0);
    });
  });
}
