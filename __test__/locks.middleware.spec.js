// Turns of keys: mutual exclusion, waiting, leases that expire, and invalid input.
'use strict';

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const { fault, newStore, open, unique } = require('./support/auths.js');
const { aborted, areGrowing, crowd, gate, held, tick } = require('./support/turns.js');

/** @param {any} auth @param {string} key @param {object} [options] */
const hold = (auth, key, options) =>
  held((/** @type {any} */ work) => auth.locks.runExclusive(key, work, options));

describe('locks.runExclusive()', () => {
  it('returns the result of fn, and passes fn a lease', async (t) => {
    const { locks } = open(t);
    const key = unique('key');
    const seen = await locks.runExclusive(key, (lease) => ({
      key: lease.key,
      fence: lease.fence,
      left: lease.expiresAt - Date.now(),
      aborted: lease.signal.aborted,
    }));
    const { fence, left, ...rest } = seen;
    assert.deepEqual(rest, { key, aborted: false });
    assert.ok(Number.isSafeInteger(fence) && fence > 0);
    assert.ok(left > 0 && left <= 3000);
  });

  it('runs one fn at a time, each under a higher fence', async (t) => {
    const auth = open(t);
    const key = unique('key');
    const { seen, work } = crowd();
    await Promise.all(Array.from({ length: 200 }, () => auth.locks.runExclusive(key, work)));
    assert.deepEqual([seen.runs, seen.most], [200, 1]);
    assert.ok(areGrowing(seen.fences));
  });

  it('excludes every Auth on the store, and affects no other key', async (t) => {
    const store = newStore();
    const auths = [1, 2, 3].map(() => open(t, { store }));
    const key = unique('key');
    const holder = await hold(auths[0], key);
    await assert.rejects(
      auths[1].locks.runExclusive(key, () => 1, { wait: 0 }),
      fault('BUSY'),
    );
    assert.equal(await auths[1].locks.runExclusive(unique('key'), () => 1, { wait: 0 }), 1);
    holder.leave();
    await holder.done;
    const { seen, work } = crowd();
    const runs = Array.from({ length: 90 }, (_, index) => auths[index % 3].locks.runExclusive(key, work));
    await Promise.all(runs);
    assert.deepEqual([seen.runs, seen.most, areGrowing(seen.fences)], [90, 1, true]);
  });

  it('continues with the next waiter if fn throws or rejects, and rejects only the caller of that fn', async (t) => {
    const { locks } = open(t);
    const key = unique('key');
    const thrown = new Error('mine');
    const runs = [
      locks.runExclusive(key, () => {
        throw thrown;
      }),
      locks.runExclusive(key, async () => {
        await tick();
        throw thrown;
      }),
      locks.runExclusive(key, () => 'next'),
    ];
    const results = await Promise.allSettled(runs);
    assert.deepEqual(
      results.map((result) => (result.status === 'rejected' ? result.reason === thrown : result.value)),
      [true, true, 'next'],
    );
  });

  it('releases the key as soon as it resolves or rejects', async (t) => {
    const { locks } = open(t);
    const key = unique('key');
    const once = { wait: 0 };
    for (let round = 0; round < 20; round++) {
      await locks.runExclusive(key, tick, once);
      await locks.runExclusive(key, () => Promise.reject(new Error('mine')), once).catch(() => {});
    }
    assert.equal(await locks.runExclusive(key, () => 'free', once), 'free');
  });
});

describe('re-entry', () => {
  it('into a key that the same context holds is ERR_LATCHGATE_INPUT at any depth, and the section continues', async (t) => {
    const { locks } = open(t);
    const [a, b] = [unique('a'), unique('b')];
    const result = await locks.runExclusive(a, async () => {
      await assert.rejects(
        locks.runExclusive(a, () => 1),
        fault('INPUT', /already/),
      );
      return locks.runExclusive(b, async () => {
        await tick();
        await assert.rejects(
          locks.runExclusive(a, () => 1),
          fault('INPUT', /already/),
        );
        return 'inner';
      });
    });
    assert.equal(result, 'inner');
  });

  it('is allowed after the section ended, even if its context continues', async (t) => {
    const { locks } = open(t);
    const key = unique('key');
    const over = gate();
    /** @type {Promise<number> | undefined} */
    let later;
    await locks.runExclusive(key, async () => {
      later = over.opened.then(() => locks.runExclusive(key, () => 2));
    });
    over.open();
    assert.equal(await later, 2);
  });

  it('by acquire() is BUSY, because acquire() cannot detect re-entry', async (t) => {
    const { locks } = open(t);
    const key = unique('key');
    await locks.runExclusive(key, () => assert.rejects(locks.acquire(key, { wait: 20 }), fault('BUSY')));
  });
});

describe('a waiter', () => {
  it('gets BUSY when the wait ends, and blocks no later caller', async (t) => {
    const auth = open(t);
    const key = unique('key');
    const holder = await hold(auth, key);
    for (const wait of [0, 20, '30ms']) {
      const error = await auth.locks.runExclusive(key, () => 1, { wait }).catch((thrown) => thrown);
      assert.ok(fault('BUSY')(error));
      assert.ok(error.retryAfterMs > 0 && error.status === 429);
    }
    holder.leave();
    await holder.done;
    assert.equal(await auth.locks.runExclusive(key, () => 'free', { wait: 0 }), 'free');
  });

  it('is one of at most maxQueue in this process, and a further caller gets QUEUE_FULL', async (t) => {
    const auth = open(t);
    const key = unique('key');
    const holder = await hold(auth, key);
    const options = { maxQueue: 3 };
    const runs = Array.from({ length: 6 }, () => auth.locks.runExclusive(key, () => 'in', options));
    const settled = Promise.allSettled(runs);
    const none = auth.locks.runExclusive(key, () => 1, { maxQueue: 0 });
    await assert.rejects(none, fault('QUEUE_FULL', /maxQueue/));
    const refused = await Promise.all(
      runs.slice(3).map((run) => run.catch((/** @type {any} */ error) => error)),
    );
    for (const error of refused) assert.ok(fault('QUEUE_FULL', /maxQueue/)(error));
    holder.leave();
    const results = await settled;
    assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 3);
    assert.equal(await auth.locks.runExclusive(key, () => 'free', { maxQueue: 0 }), 'free');
  });

  it('leaves when its signal aborts, with the signal’s reason, and the other waiters proceed', async (t) => {
    const auth = open(t);
    const key = unique('key');
    const holder = await hold(auth, key);
    const controller = new AbortController();
    const { signal } = controller;
    const reason = new Error('changed my mind');
    /** @type {string[]} */
    const order = [];
    const first = auth.locks.runExclusive(key, () => order.push('first'));
    const leaving = auth.locks.runExclusive(key, () => order.push('never'), { signal });
    const last = auth.locks.runExclusive(key, () => order.push('last'));
    controller.abort(reason);
    await assert.rejects(leaving, (error) => error === reason);
    await assert.rejects(
      auth.locks.runExclusive(key, () => 1, { signal }),
      (error) => error === reason,
    );
    holder.leave();
    await Promise.all([first, last]);
    assert.deepEqual(order.sort(), ['first', 'last']);
  });

  it('keeps its turn if its signal aborts later', async (t) => {
    const auth = open(t);
    const controller = new AbortController();
    const holder = await hold(auth, unique('key'), { signal: controller.signal });
    controller.abort();
    holder.leave();
    assert.equal(await holder.done, 'done');
  });

  it('with fair: false tries as often as retries allows', async (t) => {
    const auth = open(t);
    const key = unique('key');
    const unfair = { fair: false, retries: 2 };
    assert.equal(await auth.locks.runExclusive(key, () => 'free', unfair), 'free');
    const holder = await hold(auth, key);
    await assert.rejects(
      auth.locks.runExclusive(key, () => 1, unfair),
      fault('BUSY'),
    );
    const many = { fair: false, retries: 1000 };
    const patient = auth.locks.runExclusive(key, () => 'came in', many);
    holder.leave();
    assert.equal(await patient, 'came in');
  });
});

describe('a lease', () => {
  it('is renewed while the work continues', async (t) => {
    const auth = open(t);
    const key = unique('key');
    const holder = await hold(auth, key, { ttl: 600 });
    const { expiresAt, signal } = holder.lease;
    while (holder.lease.expiresAt < expiresAt + 300 && !signal.aborted) await tick();
    assert.equal(signal.aborted, false);
    await assert.rejects(auth.locks.acquire(key, { wait: 0 }), fault('BUSY'));
    holder.leave();
    assert.equal(await holder.done, 'done');
  });

  it('without renewal aborts before its expiry, and the result is discarded', async (t) => {
    const auth = open(t);
    const key = unique('key');
    /** @type {any[]} */
    const events = [];
    auth.on('lock-lost', (event) => events.push(event));
    const holder = await hold(auth, key, { ttl: 60, autoExtend: false });
    const { expiresAt, fence } = holder.lease;
    const reason = await aborted(holder.lease.signal);
    assert.ok(fault('LEASE_LOST')(reason));
    assert.equal(holder.lease.expiresAt, expiresAt);
    assert.equal(await holder.lease.extend(50), false);
    assert.deepEqual(
      events.map(({ message, ...event }) => event),
      [{ type: 'lock-lost', key, fence }],
    );
    // The next caller gets the turn, although the work has not ended.
    const next = await auth.locks.acquire(key);
    assert.ok(next.fence > fence);
    holder.leave();
    await assert.rejects(holder.done, fault('LEASE_LOST'));
    assert.equal(await next.release(), true);
  });

  it('ends at maxHold, regardless of extensions', async (t) => {
    const auth = open(t);
    const key = unique('key');
    const holder = await hold(auth, key, { maxHold: 80 });
    assert.equal(await holder.lease.extend('1h'), true);
    assert.ok(holder.lease.expiresAt <= Date.now() + 80);
    const reason = await aborted(holder.lease.signal);
    assert.ok(fault('LEASE_LOST', /maxHold/)(reason));
    await (await auth.locks.acquire(key)).release();
    holder.leave();
    await assert.rejects(holder.done, fault('LEASE_LOST'));
  });

  it('that was lost does not hide an error that fn throws', async (t) => {
    const auth = open(t);
    const mine = new Error('mine');
    const run = auth.locks.runExclusive(
      unique('key'),
      async ({ signal }) => {
        await aborted(signal);
        throw mine;
      },
      { maxHold: 20 },
    );
    await assert.rejects(run, (error) => error === mine);
  });

  it('that is extended lasts at least for the given time', async (t) => {
    const auth = open(t);
    const holder = await hold(auth, unique('key'), { ttl: 600, autoExtend: false });
    assert.equal(await holder.lease.extend('10s'), true);
    assert.ok(holder.lease.expiresAt > Date.now() + 5000);
    assert.equal(await holder.lease.extend(1), true);
    assert.ok(holder.lease.expiresAt > Date.now() + 5000, 'an extension never shortens the lease');
    holder.leave();
    assert.equal(await holder.done, 'done');
  });
});

describe('locks.acquire()', () => {
  it('returns a lease that can be released once', async (t) => {
    const { locks } = open(t);
    const key = unique('key');
    const lease = await locks.acquire(key);
    assert.equal(lease.key, key);
    await assert.rejects(locks.acquire(key, { wait: 0 }), fault('BUSY'));
    assert.equal(await lease.release(), true);
    assert.equal(await lease.release(), false);
    assert.equal(await lease.extend('1s'), false);
    const next = await locks.acquire(key, { wait: 0 });
    assert.ok(next.fence > lease.fence);
    await lease.release();
    await assert.rejects(
      locks.acquire(key, { wait: 0 }),
      fault('BUSY'),
      'a second release does not release the next holder’s turn',
    );
    await next.release();
  });

  it('is released at the end of its scope', async (t) => {
    const { locks } = open(t);
    const key = unique('key');
    const lease = await locks.acquire(key);
    await lease[Symbol.asyncDispose]();
    assert.equal(await locks.runExclusive(key, () => 'free', { wait: 0 }), 'free');
  });

  it('releases nothing after its lease expired', async (t) => {
    const { locks } = open(t);
    const key = unique('key');
    const lease = await locks.acquire(key, { ttl: 20, autoExtend: false });
    const next = await locks.acquire(key);
    assert.equal(await lease.release(), false);
    assert.equal(lease.signal.aborted, true);
    await assert.rejects(locks.acquire(key, { wait: 0 }), fault('BUSY'));
    await next.release();
  });
});

describe('invalid input is ERR_LATCHGATE_INPUT, and changes nothing:', () => {
  const WRONG_KEYS = [undefined, null, '', 5, {}, 'x'.repeat(513), '\ud800'];
  /** @type {Array<[string, unknown[]]>} */
  const OPTIONS = [
    ['ttl', [9, 0, -1, 1.5, '2d', 'soon', Number.NaN, null]],
    ['autoExtend', ['yes', 1, null]],
    ['maxHold', [0, '25h', 'x', null]],
    ['wait', [-1, '2h', 1.5, {}, null]],
    ['maxQueue', [-1, 1.5, '3', 1e7, null]],
    ['fair', [0, 'no', null]],
    ['retries', [0, -1, 1.5, 1001, null]],
    ['signal', [{}, 'abort', new AbortController(), null]],
    ['patience', [1]],
  ];
  it('keys, functions and options', async (t) => {
    /** @type {any} */
    const { locks } = open(t);
    for (const key of WRONG_KEYS) {
      await assert.rejects(
        locks.runExclusive(key, () => 1),
        fault('INPUT', /key/),
      );
      await assert.rejects(locks.acquire(key), fault('INPUT', /key/));
    }
    for (const fn of [undefined, null, 'f', {}]) {
      await assert.rejects(locks.runExclusive('k', fn), fault('INPUT', /fn/));
    }
    for (const options of [null, 5, [], 'x']) {
      await assert.rejects(locks.acquire('k', options), fault('INPUT'));
    }
    for (const [name, values] of OPTIONS) {
      for (const value of values) {
        await assert.rejects(locks.acquire('k', { [name]: value }), fault('INPUT', new RegExp(name)));
      }
    }
    assert.equal(await locks.runExclusive('k', () => 'free', { wait: 0 }), 'free');
  });

  it('the duration of an extension', async (t) => {
    const { locks } = open(t);
    const lease = await locks.acquire('k');
    for (const by of [0, -1, '2d', 'x', undefined]) {
      await assert.rejects(lease.extend(/** @type {any} */ (by)), fault('INPUT', /by/));
    }
    await lease.release();
  });
});
