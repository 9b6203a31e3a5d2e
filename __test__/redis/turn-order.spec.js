// First come, first served, for callers in several processes: an earlier ticket in the queue is served earlier.
'use strict';

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const { open, unique } = require('../support/auths.js');
const { token } = require('../support/jwt.js');
const { request, startProcesses, statuses } = require('../support/processes.js');
const { KINDS, missing, startServer } = require('../support/servers.js');
const { until } = require('../support/started.js');
const { held } = require('../support/turns.js');

/** @typedef {import('latchgate').Auth} Auth */

const PROCESSES = 4;
const TICKETS = 60;
const LONG = { ttl: '1m', maxHold: '10m' };

/**
 * The owner of a turn, the path for waiters, the kind of the key of their queue, and the function that holds the
 * turn.
 */
const TURNS = [
  {
    of: 'a key',
    path: 'ordered',
    line: 'lq',
    hold: (/** @type {Auth} */ auth, /** @type {string} */ name) =>
      held((/** @type {any} */ work) => auth.locks.runExclusive(name, work, LONG)),
  },
  {
    of: 'a user',
    path: 'ordered-user',
    line: 'tq',
    hold: async (/** @type {Auth} */ auth, /** @type {string} */ name) => {
      const answer = await auth.authenticate({ token: token({ sub: name, sid: 's' }) });
      assert.ok(answer.ok);
      return held((/** @type {any} */ work) => answer.auth.runExclusive(work, LONG));
    },
  },
];

for (const { kind, name } of KINDS) {
  describe(`the turns of ${PROCESSES} processes on ${name}`, async () => {
    const skip = await missing(kind);

    for (const { of, path, line, hold } of TURNS) {
      it(`at ${of} come in the order in which they were requested`, { skip }, async (t) => {
        const server = await startServer(t, { kind });
        const env = { STORE: server.url(), DATA: String(server.port) };
        const { workers } = await startProcesses(t, {
          app: 'turns.js',
          count: PROCESSES,
          env,
          front: 'none',
        });
        const auth = open(t, { store: server.url(), sessions: { admission: 'first-use' } });
        const place = unique();
        const waiting = async () => {
          const queue = (await server.keys()).find((each) => each.split(':')[2] === line);
          return queue === undefined ? 0 : server.command('ZCARD', queue);
        };
        const holder = await hold(auth, place);
        const text = token({ sub: place, sid: 's' });
        const answers = [];
        for (let n = 0; n < TICKETS; n++) {
          // The same process twice, then another process, and not always the next process.
          const { port } = workers[(Math.floor(n / 2) * 3) % PROCESSES];
          answers.push(request({ port, method: 'POST', path: `/${path}/${place}/${n}`, token: text }));
          await until(`${n + 1} wait`, async () => (await waiting()) === n + 1);
        }
        holder.leave();
        assert.deepEqual(statuses(await Promise.all(answers)), { 200: TICKETS });
        const order = await server.command('LRANGE', `test:order:${place}`, 0, -1);
        assert.deepEqual(
          order.map(Number),
          Array.from({ length: TICKETS }, (_each, n) => n),
        );
        await holder.done;
      });
    }
  });
}
