// Turns without a queue, `fair: false`, on real servers: a fixed number of attempts, full jitter between the
// attempts, and a short lease. The spec also checks the response to a request whose attempts all failed.
'use strict';

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const { serve } = require('../support/app.js');
const { fault, open, unique } = require('../support/auths.js');
const { isStoreFault } = require('../support/faulty.js');
const { get } = require('../support/http.js');
const { token } = require('../support/jwt.js');
const { SCRIPTS, startProxy } = require('../support/proxy.js');
const { KINDS, missing, startServer } = require('../support/servers.js');
const { until } = require('../support/started.js');
const { held } = require('../support/turns.js');

/** @typedef {import('latchgate').Auth} Auth */

const OPTIONS = { sessions: { admission: /** @type {const} */ ('first-use') } };
/** Half of this lease is enough for every answer, on any machine. And no call is retried because its answer is late. */
const TTL = 20_000;
const PATIENT = { commandTimeout: '60s', connectTimeout: '30s' };

/**
 * Returns the remaining time of the lease of a key on the server, in milliseconds: docs/layout.md. 0: the turn is
 * free.
 */
const LEFT = `
  local turn, now = redis.call('GET', KEYS[1]), redis.call('TIME')
  if #turn < 32 then return 0 end
  local till = struct.unpack('>I7', string.sub(turn, 26, 32))
  return math.floor((till - now[1] * 1e6 - now[2]) / 1000)`;

/**
 * Opens an Auth behind a proxy that counts commands, with known scripts, and a key that another Auth holds.
 * @param {import('node:test').TestContext} t
 * @param {'redis' | 'valkey'} kind
 */
async function taken(t, kind) {
  const server = await startServer(t, { kind });
  const proxy = await startProxy(t, { port: server.port });
  const auth = open(t, { store: { url: proxy.url, ...PATIENT }, ...OPTIONS });
  const other = open(t, { store: { url: server.url(), ...PATIENT }, ...OPTIONS });
  const key = unique('key');
  await auth.locks.runExclusive(key, () => 1, { ttl: TTL });
  await other.locks.acquire(key, { ttl: '10m', maxHold: '10m', autoExtend: false });
  proxy.commands = {};
  const asked = () =>
    Object.entries(proxy.commands).reduce((sum, [name, count]) => sum + (SCRIPTS.test(name) ? count : 0), 0);
  return { server, proxy, auth, other, key, asked };
}

/**
 * Ends every pause immediately, and records its requested duration.
 * @param {import('node:test').TestContext} t
 * @param {number} random the result of Math.random()
 */
function pausesAtOnce(t, random) {
  /** @type {number[]} */
  const pauses = [];
  const { setTimeout } = globalThis;
  t.mock.method(Math, 'random', () => random);
  t.mock.method(globalThis, 'setTimeout', (/** @type {() => void} */ call, /** @type {number} */ ms) => {
    // This timer is the timeout of an answer.
    if (ms === TTL / 2) return setTimeout(call, ms);
    pauses.push(ms);
    return setTimeout(call, 0);
  });
  return pauses;
}

for (const { kind, name } of KINDS) {
  describe(`turns without a queue on ${name}`, async () => {
    const skip = await missing(kind);

    for (const [what, retries] of /** @type {Array<[string, number | undefined]>} */ ([
      ['three times by default', undefined],
      ['once if retries is 1', 1],
      ['five times if retries is 5', 5],
    ])) {
      it(`are requested ${what}`, { skip }, async (t) => {
        const { auth, key, asked } = await taken(t, kind);
        const pauses = pausesAtOnce(t, 0.5);
        const turn = auth.locks.acquire(key, {
          fair: false,
          ttl: TTL,
          wait: '1h',
          ...(retries && { retries }),
        });
        await assert.rejects(turn, fault('BUSY'));
        const tries = retries ?? 3;
        assert.equal(pauses.length, tries - 1);
        // After the last attempt, the waiter must leave no data.
        await until('the waiter has left', () => asked() >= tries + 1);
        assert.equal(asked(), tries + 1);
      });
    }

    it('pause for up to 100 ms, then for up to twice the previous maximum, and for at most a second', {
      skip,
    }, async (t) => {
      const bounds = [100, 200, 400, 800, 1000, 1000, 1000];
      const { auth, key } = await taken(t, kind);
      for (const random of [0, 0.25, 0.5, 1 - Number.EPSILON]) {
        const pauses = pausesAtOnce(t, random);
        const options = { fair: false, ttl: TTL, wait: '1h', retries: bounds.length + 1 };
        await assert.rejects(auth.locks.acquire(key, options), fault('BUSY'));
        t.mock.restoreAll();
        assert.deepEqual(
          pauses,
          bounds.map((bound) => Math.ceil(bound * random)),
          `Math.random() is ${random}`,
        );
      }
    });

    it('make no attempt that begins after the wait', { skip }, async (t) => {
      const { auth, key, asked } = await taken(t, kind);
      pausesAtOnce(t, 1 - Number.EPSILON);
      // The first pause ends before the wait is over, the second would not.
      const turn = auth.locks.acquire(key, { fair: false, ttl: TTL, wait: 150, retries: 1000 });
      await assert.rejects(turn, fault('BUSY'));
      await until('the waiter has left', () => asked() >= 2);
      assert.ok(asked() <= 3, String(asked()));
    });

    it('have a lease of at most 100 ms by default, in the process and on the server', { skip }, async (t) => {
      const server = await startServer(t, { kind });
      const auth = open(t, { store: { url: server.url(), ...PATIENT } });
      const key = unique('key');
      // An answer after half of the lease is a fault: on a busy machine, a later attempt succeeds.
      const attempt = () =>
        auth.locks.acquire(key, { fair: false }).catch((error) => {
          if (!isStoreFault(error)) throw error;
        });
      const lease = await until('a turn', attempt);
      assert.ok(lease.expiresAt <= Date.now() + 100);
      const [place] = (await server.keys()).filter((each) => each.split(':')[2] === 'l');
      assert.ok((await server.command('EVAL', LEFT, 1, place)) <= 100);
      assert.ok(!lease.signal.aborted || fault('LEASE_LOST')(lease.signal.reason));
      await lease.release();
      const fair = await auth.locks.acquire(key, { ttl: '1m', wait: '30s' });
      assert.ok((await server.command('EVAL', LEFT, 1, place)) > 100, 'the test reads the lease of this key');
      await fair.release();
    });

    it('that fail through serialize() are 429 with Retry-After, and the handler does not run', {
      skip,
    }, async (t) => {
      const { auth, other, asked, proxy } = await taken(t, kind);
      let handled = 0;
      const port = await serve(
        t,
        (app) =>
          void app.use(auth.middleware(), auth.serialize({ fair: false }), (_req, res) => {
            handled++;
            res.json({});
          }),
      );
      const text = token({ sub: unique(), sid: 's' });
      const own = await other.authenticate({ token: text });
      assert.ok(own.ok);
      const holder = await held((work) => own.auth.runExclusive(work));
      // The response is 503 if an answer came too late for a lease of 100 ms.
      const answer = await until('the turn is busy', async () => {
        // Commands of the previous request must arrive first.
        await auth.ready();
        proxy.commands = {};
        const each = await get(port, '/', text);
        if (each.status !== 503) return each;
        return false;
      });
      assert.deepEqual([answer.status, answer.body], [429, '{"error":"busy"}']);
      assert.ok(Number(answer.header('retry-after')) >= 1);
      // The decision, three attempts, and the release.
      await until('the waiter has left', () => asked() >= 5);
      assert.equal(asked(), 5);
      assert.equal(handled, 0);
      holder.leave();
      await holder.done;
      await until('the turn is free', async () => (await get(port, '/', text)).status === 200);
      assert.equal(handled, 1);
    });
  });
}
