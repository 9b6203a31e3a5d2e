// Ten thousand requests that wait for a slow store. The store holds a bounded number of requests. A request beyond
// that number is 503 immediately. A request that waits too long is 503 at its timeout. Memory is released
// afterwards.
'use strict';

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const v8 = require('node:v8');
const vm = require('node:vm');
const { unique } = require('../support/auths.js');
const { faulty, recovered, settled, status } = require('../support/faulty.js');
const { token } = require('../support/jwt.js');
const { missing } = require('../support/servers.js');
const { until } = require('../support/started.js');

const WAITING = 10_000;
const RULE = { limit: 1_000_000, window: '1h' };

v8.setFlagsFromString('--expose-gc');
/** Collects garbage, so that the measured memory is held and not merely uncollected. */
const collect = /** @type {() => void} */ (vm.runInNewContext('gc'));

describe('with 10,000 requests that wait on a store that', async () => {
  const skip = await missing('redis');

  it('answers nothing, each request is 503 at its timeout, and no request runs twice', {
    skip,
  }, async (t) => {
    const { server, auth, judge, live } = await faulty(t);
    const texts = Array.from({ length: WAITING }, (_each, n) => token({ sub: unique(`${n}`), sid: 's' }));
    await server.resetStats();
    server.pause();
    t.after(() => server.resume());
    const denials = await Promise.all(texts.map((text) => auth.authenticate({ token: text })));
    for (const denial of denials) {
      assert.ok(!denial.ok && denial.status === 503);
      assert.ok(Number(denial.headers['Retry-After']) > 0);
    }
    server.resume();
    let asked = 0;
    await until('it recovers', async () => {
      asked++;
      return (await status(auth, live)) === 200;
    });
    // A request that was in flight when the server hung may have run: 503 leaves this open.
    assert.ok((await server.scriptsRun()) <= WAITING + asked);
    await judge.ready();
  });

  it('hangs for long, requests beyond the bound are 503 immediately and the other requests are answered afterwards', {
    skip,
  }, async (t) => {
    const { server, auth } = await faulty(t, { store: { commandTimeout: '60s' } });
    const text = token({ sub: unique(), sid: 's' });
    server.pause();
    t.after(() => server.resume());
    let refused = 0;
    /** @type {Array<Promise<number>>} */
    const asking = [];
    for (let wave = 0; wave < 20 && refused === 0; wave++) {
      for (let n = 0; n < WAITING; n++) {
        const asked = status(auth, text);
        asking.push(asked);
        asked.then((got) => {
          if (got === 503) refused++;
        });
      }
      await new Promise(setImmediate);
      await new Promise(setImmediate);
    }
    assert.ok(refused > 0, `${asking.length} wait, and there is room for more`);
    server.resume();
    const counts = new Map();
    for (const got of await Promise.all(asking)) counts.set(got, (counts.get(got) ?? 0) + 1);
    assert.deepEqual([...counts.keys()].sort(), [200, 503]);
  });

  it('answers slowly, each request is answered once, and charged at most once', { skip }, async (t) => {
    const { proxy, auth, judge, live } = await faulty(t);
    const key = unique('key');
    await auth.quotas.consume(key, RULE, { cost: 0 });
    proxy.delay(() => Math.random() * 800);
    const { faults, results } = await settled(
      Array.from({ length: WAITING }, () => auth.quotas.consume(key, RULE)),
    );
    assert.equal(results.length, WAITING);
    assert.ok(faults > 0, 'some requests exceeded the bound or were too late');
    const granted = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    assert.equal(
      new Set(granted.map(({ remaining }) => remaining)).size,
      granted.length,
      'no two requests got the same unit',
    );
    await proxy.pass();
    await recovered(auth, live);
    const used = RULE.limit - (await judge.quotas.peek(key, RULE)).remaining;
    assert.ok(used >= granted.length && used <= WAITING, `${used} used, ${granted.length} answered`);
  });

  it('answers nothing, repeatedly, memory does not grow with the rounds', { skip }, async (t) => {
    const { proxy, auth, live } = await faulty(t);
    proxy.blackHole();
    const round = async () => {
      await Promise.all(Array.from({ length: WAITING }, () => auth.authenticate({ token: live })));
      collect();
      return process.memoryUsage.rss();
    };
    /** @param {number} rounds @returns {Promise<number>} the least memory of the process between two rounds */
    const floor = async (rounds) => {
      let least = Number.POSITIVE_INFINITY;
      for (let n = 0; n < rounds; n++) least = Math.min(least, await round());
      return least;
    };
    await floor(4);
    const before = await floor(4);
    const grown = (await floor(4)) - before;
    // 40,000 requests that stay in memory would exceed this bound.
    assert.ok(grown < 24 * 2 ** 20, `${Math.round(grown / 2 ** 20)} MiB more`);
    await proxy.pass();
    await recovered(auth, live);
  });
});
