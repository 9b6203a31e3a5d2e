// Work for many waiters runs in slices. The tests count the calls into the addon per iteration of the event loop.
'use strict';

const assert = require('node:assert/strict');
const { before, beforeEach, describe, it } = require('node:test');
const { fault, open, unique } = require('./support/auths.js');
const { keyEndpoint, pair, signed } = require('./support/key-endpoint.js');
const { held, tick: turn } = require('./support/turns.js');
const { MOST, Slices, inSlices } = require('../src/js/util/slices.js');
const binding = /** @type {any} */ (require('../src/js/binding.js'));

/** Calls into the addon, by name. @type {Record<string, number>} */
let calls = {};

before(() => {
  for (const name of ['turnAsk', 'turnLeave', 'verify']) {
    const whole = binding.Gate.prototype[name];
    binding.Gate.prototype[name] = function (/** @type {unknown[]} */ ...args) {
      calls[name] = (calls[name] ?? 0) + 1;
      return whole.apply(this, args);
    };
  }
});

beforeEach(() => {
  calls = {};
});

/**
 * Returns the increments of a count, one per iteration of the event loop.
 * @param {string} name
 * @param {() => boolean} isOver
 */
async function turnsOf(name, isOver) {
  const counts = [];
  for (let last = calls[name] ?? 0; !isOver(); ) {
    await turn();
    const now = calls[name] ?? 0;
    if (now > last) counts.push(now - last);
    last = now;
  }
  return counts;
}

/** @param {number[]} numbers */
const sum = (numbers) => numbers.reduce((all, each) => all + each, 0);

describe('slices', () => {
  it('process at most one slice per iteration, in order, and the rest in later iterations', async () => {
    /** @type {number[]} */
    const done = [];
    const slices = new Slices((/** @type {number} */ n) => done.push(n));
    const items = Array.from({ length: 3 * MOST + 5 }, (_, n) => n);
    for (const n of items) slices.add(n);
    assert.deepEqual(done, []);
    slices.run();
    assert.ok(done.length > 0 && done.length <= MOST);
    for (let last = done.length; done.length < items.length; last = done.length) {
      await turn();
      assert.ok(done.length - last <= MOST);
    }
    assert.deepEqual(done, items);
  });

  it('share one iteration, for any number of calls of run()', async () => {
    let done = 0;
    const slices = new Slices(() => done++);
    for (let n = 0; n < 5 * MOST; n++) {
      slices.add(n);
      slices.run();
    }
    assert.ok(done <= MOST, `${done}`);
    while (done < 5 * MOST) await turn();
  });

  it('end early if the work takes long', async () => {
    let done = 0;
    const end = performance.now() + 3;
    const slices = new Slices(() => {
      done++;
      while (performance.now() < end);
    });
    for (let n = 0; n < 10; n++) slices.add(n);
    slices.run();
    assert.equal(done, 1);
    while (done < 10) await turn();
  });

  it('include items that the work adds, and continue after an item that throws', async () => {
    /** @type {string[]} */
    const done = [];
    const slices = new Slices((/** @type {string} */ item) => {
      done.push(item);
      if (item === 'adds') slices.add('added');
      if (item === 'runs') slices.run();
      if (item === 'throws') throw new Error('thrown');
    });
    for (const item of ['adds', 'runs', 'throws', 'last']) slices.add(item);
    assert.throws(() => slices.run(), /thrown/);
    while (done.length < 5) await turn();
    assert.deepEqual(done, ['adds', 'runs', 'throws', 'last', 'added']);
    slices.add('forgotten');
    slices.clear();
    slices.run();
    assert.equal(done.length, 5);
  });

  it('resolve when all items are done', async () => {
    let done = 0;
    await inSlices(Array(3 * MOST).keys(), () => done++);
    assert.equal(done, 3 * MOST);
    await inSlices([], () => done++);
  });
});

describe('callers that wait for turns', () => {
  const MANY = 600;

  it('are woken in slices if wake-ups may have been lost', async (t) => {
    const { locks } = open(t);
    const keys = Array.from({ length: MANY }, () => unique('key'));
    const holders = await Promise.all(
      keys.map((key) => held((/** @type {any} */ work) => locks.runExclusive(key, work))),
    );
    const waiting = keys.map((key) => locks.runExclusive(key, () => 'done', { wait: '1h' }));
    // When the store starts its notifications, all current waiters ask again.
    const before = calls.turnAsk;
    const counts = await turnsOf('turnAsk', () => calls.turnAsk >= before + MANY);
    assert.equal(sum(counts), MANY);
    assert.ok(Math.max(...counts) <= MOST, `${counts}`);
    for (const { leave } of holders) leave();
    assert.deepEqual(new Set(await Promise.all(waiting)), new Set(['done']));
  });

  it('are rejected in slices when the Auth closes, and none of them gets a turn', async (t) => {
    const auth = open(t);
    const key = unique('key');
    const options = { wait: '1h', maxQueue: MANY };
    const holder = await held((/** @type {any} */ work) => auth.locks.runExclusive(key, work, options));
    let ran = 0;
    let told = 0;
    const waiting = Array.from({ length: MANY }, () =>
      assert
        .rejects(
          auth.locks.runExclusive(key, () => ran++, options),
          fault('CLOSED'),
        )
        .finally(() => told++),
    );
    for (let n = 0; n < 50; n++) await turn();
    calls = {};
    const closed = auth.close();
    // The turn becomes free before the last waiter is rejected.
    holder.leave();
    const counts = await turnsOf('turnLeave', () => told === MANY);
    // The holder leaves too, and so does a waiter that was granted the turn meanwhile.
    assert.ok(Math.max(...counts) <= MOST + 3, `${counts}`);
    assert.ok(counts.length >= MANY / MOST - 2, `${counts}`);
    await Promise.all([...waiting, holder.done, closed]);
    assert.equal(ran, 0);
  });
});

describe('requests that wait for the keys of an endpoint', () => {
  it('continue in slices after the response', async (t) => {
    const [key] = ['key'].map(pair);
    const endpoint = await keyEndpoint(t, key);
    endpoint.isHeld = true;
    const auth = open(t, { jwt: { jwksUri: endpoint.url } });
    const texts = Array.from({ length: 500 }, (_, n) => signed(key, { sub: `user ${n}` }));
    const answers = texts.map((token) => auth.tokens.verify(token));
    await endpoint.reached(1);
    for (let n = 0; n < 5; n++) await turn();
    calls = {};
    endpoint.release();
    // Each request first checks for the key, and then verifies the token.
    const counts = await turnsOf('verify', () => (calls.verify ?? 0) >= 2 * texts.length);
    assert.ok(Math.max(...counts) <= 2 * MOST, `${counts}`);
    assert.ok((await Promise.all(answers)).every((claims) => claims !== null));
  });
});
