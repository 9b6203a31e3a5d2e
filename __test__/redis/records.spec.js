// The verdict records while answers of a server are written to them. No caller can detach the memory, and a thread
// that ends does not free it.
'use strict';

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const { unique } = require('../support/auths.js');
const { token } = require('../support/jwt.js');
const { assertRefused, insider } = require('../support/records.js');
const { KINDS, missing, startServer } = require('../support/servers.js');

const CALLS = 500;

for (const { kind, name } of KINDS) {
  describe(`the verdict records, with calls in flight on ${name}`, async () => {
    const skip = await missing(kind);

    it('cannot be detached, resized or frozen, and every call gets its own answer', { skip }, async (t) => {
      const server = await startServer(t, { kind });
      const users = Array.from({ length: CALLS }, () => unique());
      const { attacks, answers } = await insider(`
        const { SECRET: KEY, token } = require('./__test__/support/jwt.js');
        const tokens = ${JSON.stringify(users)}.map((sub) => token({ sub, sid: 's' }));
        const auth = latchgate.createAuth({
          store: { url: ${JSON.stringify(server.url())}, commandTimeout: '30s' },
          jwt: { secret: KEY },
          sessions: { limit: 3, admission: 'first-use' },
        });
        await auth.ready();
        const inFlight = tokens.map((token) => auth.authenticate({ token }));
        const attacks = attack(made[0].verdict);
        gc();
        // The first answers have come, and others are under way.
        await Promise.race(inFlight);
        attack(made[0].verdict);
        const answers = (await Promise.all(inFlight)).map(({ ok, auth: of }) =>
          [ok, of?.userId, of?.session?.active, of?.session?.limit].join());
        await auth.close();
        console.log(JSON.stringify({ attacks, answers }));
      `);
      assertRefused(attacks);
      assert.deepEqual(
        answers,
        users.map((user) => `true,${user},1,3`),
      );
    });

    it('of threads that end with calls in flight stay valid memory for other threads that share them', {
      skip,
    }, async (t) => {
      const server = await startServer(t, { kind });
      const seen = await insider(`
        const { once } = require('node:events');
        const code = ${JSON.stringify(`
          const { parentPort } = require('node:worker_threads');
          const binding = require('./src/js/binding.js');
          const { Gate } = binding;
          binding.Gate = function (config, verdict, wake) {
            parentPort.postMessage(verdict.buffer);
            return new Gate(config, verdict, wake);
          };
          const latchgate = require('latchgate');
          const { SECRET } = require('./__test__/support/jwt.js');
          const auth = latchgate.createAuth({
            store: { url: ${JSON.stringify(server.url())}, commandTimeout: '30s' },
            jwt: { secret: SECRET },
            sessions: { limit: 3, admission: 'first-use' },
          });
          const token = ${JSON.stringify(token({ sub: unique(), sid: 's' }))};
          const again = () => auth.authenticate({ token }).then(() => { parentPort.postMessage(1); again(); });
          for (let i = 0; i < 200; i++) again();
        `)};
        const seen = [];
        for (let i = 0; i < 5; i++) {
          const worker = new Worker(code, { eval: true });
          const [buffer] = await once(worker, 'message');
          await once(worker, 'message');
          const verdict = new Float64Array(buffer);
          // Reads while the thread's gate writes, and writes after the thread has ended.
          let sum = 0;
          const read = () => verdict.forEach((number) => (sum += number));
          for (let n = 0; n < 100; n++) read();
          const ended = worker.terminate();
          for (let n = 0; n < 100; n++) read();
          await ended;
          gc();
          verdict.fill(7);
          seen.push([buffer.constructor.name, verdict[0]]);
        }
        console.log(JSON.stringify(seen));
      `);
      assert.deepEqual(seen, Array(5).fill(['SharedArrayBuffer', 7]));
    });
  });
}
