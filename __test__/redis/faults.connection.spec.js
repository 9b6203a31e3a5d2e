// Faults of the way to the server: nobody there, nobody answering, nobody allowed. Always 503 within the deadline and never
// 401, and back without help.
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

    it('refuses connections from the start is 503 for requests, a fault for calls, and found when it comes', {
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

    it('goes away and refuses is 503, and found again when it is back', { skip }, async (t) => {
      const { proxy, auth, live } = await faulty(t, { server: { kind } });
      await proxy.refuse();
      assert.deepEqual(await tally(auth, Array(TRIES).fill(live)), { 503: TRIES });
      await proxy.pass();
      await recovered(auth, live);
    });

    it('does not change what a bad token is: 401 by its own fault, store or no store', {
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

    it('wants another password is 503, and found once that is the password', { skip }, async (t) => {
      const server = await startServer(t, { kind, password: 'right' });
      const url = server.url({ password: 'sesame-7f' });
      const auth = open(t, { store: { url, ...DEADLINES }, sessions: SESSIONS });
      const text = token({ sub: unique(), sid: 's' });
      await assert.rejects(auth.ready(), (/** @type {any} */ error) => {
        assert.ok(
          !JSON.stringify([error.message, error.stack, String(error.cause)]).includes('sesame-7f'),
          'no password in errors',
        );
        assert.match(error.message, /refused the login \(WRONGPASS\): check user and password/);
        assert.ok(error.message.includes(`127.0.0.1:${server.port}: `));
        return storeFault(error);
      });
      const { ok, warnings } = await auth.health();
      assert.ok(!ok && /refused the login/.test(warnings[0]), 'health() says why');
      assert.deepEqual(await tally(auth, Array(TRIES).fill(text)), { 503: TRIES });
      await server.configure('requirepass', 'sesame-7f');
      await recovered(auth, text);
    });

    it('wants a password and is given none is 503', { skip }, async (t) => {
      const server = await startServer(t, { kind, password: 'right' });
      const auth = open(t, {
        store: { url: `redis://127.0.0.1:${server.port}`, ...DEADLINES },
        sessions: SESSIONS,
      });
      await assert.rejects(auth.ready(), fault('STORE_UNAVAILABLE', /wants a password \(NOAUTH\)/));
      assert.deepEqual(await tally(auth, newcomers(TRIES)), { 503: TRIES });
    });

    it('has a name that no server has is 503', async (t) => {
      const auth = open(t, {
        store: { url: 'redis://no-such-host.invalid:6379', ...DEADLINES },
        sessions: SESSIONS,
      });
      await assert.rejects(auth.ready(), storeFault);
      assert.deepEqual(await tally(auth, newcomers(TRIES)), { 503: TRIES });
    });

    it('does not speak TLS where it should, or shows a certificate that nobody vouches for, is 503', {
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

    it('is no store at all, and answers what no server answers, is 503', { skip }, async (t) => {
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

    it('swallows what is sent over the open connection is 503 until that one is replaced', {
      skip,
    }, async (t) => {
      const { proxy, auth, live } = await faulty(t, { server: { kind } });
      const { connections } = proxy;
      proxy.blackHole({ fresh: false });
      assert.deepEqual(await tally(auth, Array(TRIES).fill(live)), { 503: TRIES });
      await recovered(auth, live);
      assert.ok(proxy.connections > connections, 'over a new connection');
      assert.deepEqual(await tally(auth, Array(TRIES).fill(live)), { 200: TRIES });
    });

    it('swallows everything is 503, each within its deadline, and found again afterwards', {
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

    it('has closed its side without a word is 503 at most until the connection is replaced', {
      skip,
    }, async (t) => {
      const { proxy, auth, live } = await faulty(t, { server: { kind } });
      proxy.halfOpen();
      const counts = await tally(auth, Array(TRIES).fill(live));
      assert.equal((counts[200] ?? 0) + (counts[503] ?? 0), TRIES);
      await recovered(auth, live);
    });

    it('closes the connection again and again is 503 at most, and never twice the same request', {
      skip,
    }, async (t) => {
      const { server, proxy, auth, live } = await faulty(t, { server: { kind } });
      await server.resetStats();
      let asked = 0;
      for (let round = 0; round < 20; round++) {
        const asking = tally(auth, Array(TRIES).fill(live));
        asked += TRIES;
        // Before anything is sent, in the middle, and afterwards.
        for (let turn = 0; turn < round % 7; turn++) await new Promise(setImmediate);
        proxy.cut();
        const counts = await asking;
        assert.equal((counts[200] ?? 0) + (counts[503] ?? 0), TRIES, JSON.stringify(counts));
      }
      assert.ok((await server.scriptsRun()) <= asked);
      await recovered(auth, live);
    });

    it('stands still is 503 within the deadline, and answers nobody with what was asked before', {
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

    it('cannot be reached keeps no process alive once the Auth is closed, and close() ends', {
      skip,
    }, async (t) => {
      const { proxy, auth, live } = await faulty(t, { server: { kind } });
      proxy.blackHole();
      const asking = status(auth, live);
      await auth.close();
      assert.equal(await asking, 503);
      await until('its connections are gone', () => proxy.open === 0);
    });
  });
}
