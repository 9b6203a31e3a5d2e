// req.auth.signal on real servers. Revocations are pushed to every process. The process also asks the server when
// the subscriber reconnects, and at intervals.
'use strict';

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const { fault, open, unique } = require('../support/auths.js');
const { token } = require('../support/jwt.js');
const { request, startProcesses } = require('../support/processes.js');
const { KINDS, missing, startServer } = require('../support/servers.js');
const { until } = require('../support/started.js');
const { aborted } = require('../support/turns.js');

/** @typedef {import('latchgate').Auth} Auth */

const OPTIONS = { sessions: { admission: /** @type {const} */ ('first-use') } };
const PROCESSES = 4;
/** Requests in each process. */
const EACH = 25;

/** Returns the signal of a request of the user. @param {Auth} auth @param {string} user */
async function watched(auth, user) {
  const answer = await auth.authenticate({ token: token({ sub: user, sid: 's' }) });
  assert.ok(answer.ok);
  return answer.auth.signal;
}

for (const { kind, name } of KINDS) {
  describe(`signals on ${name}`, async () => {
    const skip = await missing(kind);

    it('are received over one connection, although it is quiet', { skip }, async (t) => {
      const server = await startServer(t, { kind });
      // This timeout is shorter than the interval between two pings.
      const auth = open(t, { store: { url: server.url(), commandTimeout: '500ms' }, ...OPTIONS });
      await watched(auth, unique());
      const listeners = async () => {
        const list = String(await server.command('CLIENT', 'LIST', 'TYPE', 'PUBSUB'));
        return [...list.matchAll(/^id=(\d+)/gm)].map(([, id]) => id);
      };
      await until('it listens', async () => (await listeners()).length === 1);
      const before = await listeners();
      const asked = async () => (await server.commandstats()).ping ?? 0;
      const enough = (await asked()) + 5;
      await until('five pings were sent', async () => (await asked()) >= enough);
      assert.deepEqual(await listeners(), before);
    });

    it(`abort in all of ${PROCESSES} processes, and for no other session`, { skip }, async (t) => {
      const server = await startServer(t, { kind });
      const env = { STORE: server.url(), DATA: String(server.port) };
      const { workers } = await startProcesses(t, { app: 'turns.js', count: PROCESSES, env, front: 'none' });
      const auth = open(t, { store: server.url(), ...OPTIONS });
      const user = unique();
      /** Returns the codes that the requests of a session get, for each process. @param {string} sid */
      const watch = async (sid) => {
        const [text, mark] = [token({ sub: user, sid }), unique()];
        /** @type {unknown[][]} */
        const told = workers.map(() => []);
        for (const [at, { port }] of workers.entries())
          for (let n = 0; n < EACH; n++)
            request({ port, path: `/watched/${mark}`, token: text }).then(({ body }) =>
              told[at].push(body.code),
            );
        const watching = async () => Number(await server.command('GET', `test:${mark}`));
        await until('all watch', async () => (await watching()) === EACH * PROCESSES);
        return told;
      };
      // The session that stays is checked first.
      const [stays, goes] = [await watch('stays'), await watch('goes')];
      assert.deepEqual([stays.flat(), goes.flat()], [[], []]);
      const all = workers.map(() => Array(EACH).fill('ERR_LATCHGATE_REVOKED'));
      await auth.sessions.end(user, 'goes');
      await until('the requests of the session are aborted', () => goes.flat().length === EACH * PROCESSES);
      assert.deepEqual(goes, all);
      assert.deepEqual(stays.flat(), []);
      await auth.tokens.revokeUser(user);
      await until('the other requests are aborted', () => stays.flat().length === EACH * PROCESSES);
      assert.deepEqual(stays, all);
    });

    it('abort when the subscriber reconnects, although the message was lost', {
      skip,
    }, async (t) => {
      const server = await startServer(t, { kind });
      const auth = open(t, { store: server.url(), ...OPTIONS });
      const other = open(t, { store: server.url(), ...OPTIONS });
      for (let round = 0; round < 3; round++) {
        const user = unique();
        const signal = await watched(auth, user);
        await server.command('CLIENT', 'KILL', 'TYPE', 'pubsub');
        await other.tokens.revokeUser(user);
        assert.ok(fault('REVOKED')(await aborted(signal)));
      }
    });

    it('abort without a message, by the check at intervals', { skip }, async (t) => {
      const users = [{ user: 'mute', rules: 'on >secret ~* &* +@all -publish' }];
      const server = await startServer(t, { kind, users });
      // The process must not treat the quiet connection as dead: it also asks the server after each reconnect.
      const auth = open(t, { store: { url: server.url(), commandTimeout: '60s' }, ...OPTIONS });
      const mute = open(t, { store: server.url({ user: 'mute', password: 'secret' }), ...OPTIONS });
      const heard = async () => {
        const { publish } = await server.commandstats();
        return { publish, connections: (await server.info('stats')).total_connections_received };
      };
      await mute.ready();
      for (let round = 0; round < 3; round++) {
        const user = unique();
        const signal = await watched(auth, user);
        await until('it listens', async () => (await server.command('PUBSUB', 'CHANNELS')).length > 0);
        const before = await heard();
        await mute.tokens.revokeUser(user);
        await until('it aborts', () => signal.aborted);
        assert.ok(fault('REVOKED')(signal.reason));
        assert.deepEqual(await heard(), before, 'nothing was published, and no client connected');
      }
    });
  });
}
