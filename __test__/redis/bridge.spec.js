// The cost of a request on a server in the calling process, counted. A request makes no promise and no timer of its
// own, and few writes. Many replies cause one wake-up, and all stores share one thread.
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
/** Maximum number of calls that are buffered while their event loop turn runs. */
const MOST_HELD = 16;
/**
 * While few calls are in flight, each write carries twice as many calls as the previous write. This is the number
 * of writes until 16 calls are buffered.
 */
const FIRST_WRITES = 6;
/** Milliseconds after which another thread writes the calls that a long event loop turn buffers. */
const TOO_LONG = 25;
const PATIENT = { commandTimeout: '30s' };
const POLICY = { quota: { limit: 1_000_000, window: '1h' } };

/** Number of records, if known, of each wake-up of the event loop by the addon. @type {Array<number | undefined>} */
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
  describe(`on ${name}, a request that a server allows`, async () => {
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
              // Node updates the Date header with a timer, once a second.
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

describe('calls to a server', async () => {
  const skip = await missing('redis');

  it('a single call is sent immediately, calls of one event loop turn in batches of 16, and no turn waits for replies to another turn', {
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
    assert.ok(onlooker.sees(1), 'a single call is sent before the event loop turn ends');

    const CALLS = 99;
    const began = performance.now();
    const many = askTogether(auth, CALLS, onlooker.look);
    assert.ok(
      onlooker.sees(1 + CALLS - MOST_HELD + 1),
      'all calls except the buffered calls are sent before the event loop turn ends',
    );
    await until('the remaining calls are sent', () => onlooker.calls === 1 + CALLS);
    const overdue = Math.ceil((performance.now() - began) / TOO_LONG);
    const most = FIRST_WRITES + Math.ceil(CALLS / MOST_HELD) + overdue;
    assert.ok(onlooker.chunks <= most, `${onlooker.chunks} parts`);

    const next = askTogether(auth, CALLS);
    await until('the calls of the next turn are sent', () => onlooker.calls === 1 + 2 * CALLS);
    assert.deepEqual([lone.answered, many.answered, next.answered], [0, 0, 0], 'no call is answered yet');
    server.resume();
    await Promise.all([lone.all, many.all, next.all]);
    assert.deepEqual([lone.answered, many.answered, next.answered], [1, CALLS, CALLS]);
  });

  for (const way of WAYS) {
    it(`concurrent replies over ${way} cause one wake-up`, { skip }, async (t) => {
      const { proxy, auth } = await faulty(t, { way, store: PATIENT });
      for (const calls of [1, 10, 200]) {
        proxy.gather(calls);
        wakes.length = 0;
        const asked = askTogether(auth, calls);
        await asked.all;
        assert.equal(asked.answered, calls);
        assert.equal(wakes.length, 1, `${calls} replies, ${wakes.length} wake-ups`);
      }
    });
  }
});

describe('the process', async () => {
  const skip =
    (await missing('redis')) || (fs.existsSync('/proc/self/task') ? false : 'threads are counted in /proc');

  it('has one I/O thread for all its Auths, and no thread before the first store on a server', {
    skip,
  }, async (t) => {
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
