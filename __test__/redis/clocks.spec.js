// A server whose clock is an hour off, and is corrected later. The clock of the app decides on tokens, and the clock
// of the server on sessions. An ended session that was reported as ended never comes back.
'use strict';

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const { open, unique } = require('../support/auths.js');
const { status } = require('../support/faulty.js');
const { token } = require('../support/jwt.js');
const { KINDS, missing, startServer } = require('../support/servers.js');

const HOUR = 3600;
const MINUTE = 60;
const SESSIONS = { admission: /** @type {const} */ ('first-use'), idleTimeout: '30m' };

const now = () => Math.floor(Date.now() / 1000);

/** @param {import('node:test').TestContext} t @param {'redis' | 'valkey'} kind @param {object} [options] */
async function site(t, kind, options = {}) {
  const server = await startServer(t, { kind, steered: true });
  const auth = open(t, { store: server.url(), ...options });
  /** @param {number} seconds */
  const setClock = async (seconds) => {
    server.setClock(seconds);
    const [told] = await server.command('TIME');
    assert.ok(Math.abs(Number(told) - now() - seconds) <= 2, 'the clock of the server is set');
  };
  return { server, auth, setClock };
}

for (const { kind, name } of KINDS) {
  describe(`on ${name}`, async () => {
    const skip =
      (await missing(kind)) || (process.platform !== 'linux' && 'its clock is steered on Linux only');

    for (const off of [HOUR, -HOUR])
      it(`tokens are judged by the clock of the app if the clock of the server is ${off} s off`, {
        skip,
      }, async (t) => {
        const { auth, setClock } = await site(t, kind);
        const texts = () => ({
          live: token({ sub: unique(), iat: now() - MINUTE, exp: now() + 10 * MINUTE }),
          over: token({ sub: unique(), iat: now() - HOUR, exp: now() - 10 * MINUTE }),
          early: token({ sub: unique(), nbf: now() + 10 * MINUTE }),
        });
        const before = texts();
        assert.equal(await status(auth, before.live), 200);
        await setClock(off);
        for (const { live, over, early } of [before, texts()]) {
          assert.equal(await status(auth, live), 200);
          assert.equal(await status(auth, over), 401);
          assert.equal(await status(auth, early), 401);
          await auth.tokens.revoke(live);
          assert.equal(await status(auth, live), 401);
        }
        await setClock(0);
        assert.equal(await status(auth, before.live), 401, 'a revoked token stays revoked');
        const own = await auth.tokens.issue(unique(), { ttl: '10m' });
        await setClock(off);
        assert.equal(await status(auth, own), 200);
      });

    it('a session that timed out while the clock was ahead stays ended after the clock is corrected', {
      skip,
    }, async (t) => {
      const { auth, setClock } = await site(t, kind, { sessions: SESSIONS });
      const [seen, unseen] = [1, 2].map(() => token({ sub: unique(), sid: 's' }));
      for (const text of [seen, unseen]) assert.equal(await status(auth, text), 200);
      await setClock(HOUR);
      assert.equal(await status(auth, seen), 401);
      await setClock(0);
      assert.equal(await status(auth, seen), 401);
      assert.equal(await status(auth, unseen), 200, 'no caller received a timeout of this session');
      await setClock(-HOUR);
      assert.deepEqual([await status(auth, seen), await status(auth, unseen)], [401, 200]);
    });
  });
}
