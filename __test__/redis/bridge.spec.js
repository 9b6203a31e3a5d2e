// What a request on a server costs the process that asks, by count: no promise and no timer of its own, few writes, one wake-up
// for many answers, and one thread for all.
'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const { before, describe, it } = require('node:test');
const { EXPRESS, serve } = require('../support/app.js');
const { open, unique } = require('../support/auths.js');
const { runScript } = require('../support/child.js');
const { ask, count } = require('../support/cost.js');
const { faulty } = require('../support/faulty.js');
const { WAYS } = require('../support/front.js');
const { token } = require('../support/jwt.js');
const { startOnlooker } = require('../support/onlooker.js');
const { missing, startServer } = require('../support/servers.js');
const { until } = require('../support/started.js');
const binding = /** @type {any} */ (require('../../src/js/binding.js'));

const REQUESTS = 1000;
const CONNECTIONS = 20;
/** Calls that are held back at most while their turn goes on. */
const MOST_HELD = 16;
/** As long as few are in flight, each write brings twice as many as the one before: so many until sixteen are held. */
const FIRST_WRITES = 6;
/** Milliseconds after which another thread writes what a turn that does not end holds back. */
const TOO_LONG = 25;
const PATIENT = { commandTimeout: '30s' };
const POLICY = { quota: { limit: 1_000_000, window: '1h' } };

/** With how many records, if any, the addon woke the event loop. @type {Array<number | undefined>} */
const wakes = [];

before(() => {
  const { Gate } = binding;
  binding.Gate = class extends Gate {
    /** @param {object} config @param {Float64Array} verdict @param {(count?: number) => void} wake */
    constructor(config, verdict, wake) {
      super(config, verdict, (/** @type {number | undefined} */ records) => {
        wakes.push(records);
        wake(records);
      });
    }
  };
});

/** @param {import('latchgate').Auth} auth @param {number} calls @returns {{ answered: number, all: Promise<unknown> }} */
function askTogether(auth, calls, each = () => {}) {
  const asked = { answered: 0, all: Promise.resolve(/** @type {unknown} */ (undefined)) };
  const answers = [];
  for (let n = 0; n < calls; n++) {
    const answer = auth.authenticate({ token: token({ sub: unique() }) });
    answers.push(answer.then(({ ok }) => ok && asked.answered++));
    each();
  }
  asked.all = Promise.all(answers);
  return asked;
}

for (const { name, express } of EXPRESS) {
  describe(`on ${name} a request that is let through by a server`, async () => {
    const skip = await missing('redis');

    for (const together of [1, CONNECTIONS]) {
      it(`makes no promise and no timer, ${together === 1 ? 'alone' : `${together} at a time`}`, {
        skip,
      }, async (t) => {
        const server = await startServer(t);
        const auth = open(t, { store: server.url(), sessions: { limit: 3, admission: 'first-use' } });
        const port = await serve(
          t,
          (app) => {
            app.use((_req, res, next) => {
              // The Date header is kept up by a timer, once a second.
              res.sendDate = false;
              next();
            });
            app.get('/bare', (_req, res) => void res.end('ok'));
            app.get('/guarded', auth.middleware(POLICY), (_req, res) => void res.end('ok'));
          },
          express,
        );
        const text = token({ sub: unique(), sid: 's' });
        const all = (/** @type {string} */ path) => () =>
          Promise.all(Array.from({ length: together }, () => ask(port, path, text, REQUESTS / together)));
        await all('/bare')();
        await all('/guarded')();
        const { promises, timers } = await count(all('/guarded'));
        const bare = await count(all('/bare'));
        assert.deepEqual({ promises, timers }, { promises: bare.promises, timers: bare.timers });
      });
    }
  });
}

describe('of calls to a server', async () => {
  const skip = await missing('redis');

  it('a lone one is sent at once, those of one turn travel together in parts of 16, and no turn waits for the answers of another', {
    skip,
  }, async (t) => {
    const server = await startServer(t);
    const onlooker = await startOnlooker(t, server);
    const auth = open(t, { store: { url: onlooker.url, ...PATIENT } });
    await askTogether(auth, 1).all;
    server.pause();
    t.after(() => server.resume());
    onlooker.forget();

    const lone = askTogether(auth, 1);
    assert.ok(onlooker.sees(1), 'a lone one, before the turn ends');

    const CALLS = 99;
    const began = performance.now();
    const many = askTogether(auth, CALLS, onlooker.look);
    assert.ok(onlooker.sees(1 + CALLS - MOST_HELD + 1), 'all but those that are held, before the turn ends');
    await until('the rest is sent', () => onlooker.calls === 1 + CALLS);
    const overdue = Math.ceil((performance.now() - began) / TOO_LONG);
    const most = FIRST_WRITES + Math.ceil(CALLS / MOST_HELD) + overdue;
    assert.ok(onlooker.chunks <= most, `${onlooker.chunks} parts`);

    const next = askTogether(auth, CALLS);
    await until('the next turn is sent', () => onlooker.calls === 1 + 2 * CALLS);
    assert.deepEqual([lone.answered, many.answered, next.answered], [0, 0, 0], 'nothing is answered yet');
    server.resume();
    await Promise.all([lone.all, many.all, next.all]);
    assert.deepEqual([lone.answered, many.answered, next.answered], [1, CALLS, CALLS]);
  });

  for (const way of WAYS) {
    it(`those that are answered at once over ${way} come through one wake-up`, { skip }, async (t) => {
      const { proxy, auth } = await faulty(t, { way, store: PATIENT });
      for (const calls of [1, 10, 200]) {
        proxy.gather(calls);
        wakes.length = 0;
        const asked = askTogether(auth, calls);
        await asked.all;
        assert.equal(asked.answered, calls);
        assert.equal(wakes.length, 1, `${calls} answers, ${wakes.length} wake-ups`);
      }
    });
  }
});

describe('the process', async () => {
  const skip =
    (await missing('redis')) || (fs.existsSync('/proc/self/task') ? false : 'threads are counted in /proc');

  it('has one I/O thread for all its Auths, and none before the first', { skip }, async (t) => {
    const servers = [await startServer(t), await startServer(t)];
    const { status, stdout, stderr } = await runScript(`
      const fs = require('node:fs');
      const threads = () => fs.readdirSync('/proc/self/task').length;
      const jwt = { secret: SECRET };
      const embedded = latchgate.createAuth({ jwt });
      await embedded.ready();
      const counts = [threads()];
      const auths = [];
      for (const count of [1, 10]) {
        const made = ${JSON.stringify(servers.map((server) => server.url()))}
          .flatMap((store) => Array.from({ length: count }, () => latchgate.createAuth({ store, jwt })));
        await Promise.all(made.map((auth) => auth.ready()));
        await Promise.all(made.map((auth) => auth.quotas.peek('key', { limit: 1 })));
        counts.push(threads());
        auths.push(...made);
      }
      console.log(JSON.stringify(counts.map((count) => count - counts[0])));
      await Promise.all([...auths, embedded].map((auth) => auth.close()));`);
    assert.equal(status, 0, stderr);
    assert.deepEqual(JSON.parse(stdout), [0, 1, 1]);
  });
});
