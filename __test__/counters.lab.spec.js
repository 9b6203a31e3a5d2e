// The effect of time on counters and once(), and that expired entries leave no data.
'use strict';

const assert = require('node:assert/strict');
const { after, beforeEach, describe, it } = require('node:test');
const { fault, newStore, open, unique } = require('./support/auths.js');
const { fresh, sign } = require('./support/jwt.js');
const { DAY, HOUR, MINUTE, START, backdoor, clock } = require('./support/lab.js');

beforeEach(() => clock.set(START));
after(() => clock.release());

/** A manual trial uses a million. The test uses fewer. */
const MANY = 20_000;
const BLOCK = 50;

describe('time', () => {
  it('frees a key of once() at its expiry, counted from the first call', async (t) => {
    const auth = open(t);
    const key = unique('key');
    await auth.once(key, { by: 'a', ttl: '10m' });
    clock.advance(10 * MINUTE - 1);
    assert.equal(await auth.once(key, { by: 'a', ttl: '10m' }), true);
    assert.equal(await auth.once(key, { by: 'b' }), false);
    clock.advance(1);
    assert.equal(await auth.onceRelease(key, 'a'), false);
    assert.equal(await auth.once(key, { by: 'b' }), true);
    clock.advance(1000 * DAY);
    assert.equal(await auth.once(key, { by: 'a' }), false);
  });

  it('removes an idempotent answer after 24 hours, and never removes a counter', async (t) => {
    const { counters } = open(t);
    const user = unique();
    const once = { idempotencyKey: 'k' };
    await counters.add(user, 'c', 5, once);
    clock.advance(24 * HOUR - 1);
    assert.equal((await counters.add(user, 'c', 5, once)).replayed, true);
    clock.advance(1);
    assert.deepEqual(await counters.add(user, 'c', 5, once), { applied: true, value: 10 });
    clock.advance(1000 * DAY);
    assert.equal(await counters.get(user, 'c'), 10);
  });

  it('ends a credential at its exp, and with its session', async (t) => {
    const auth = open(t, { sessions: { admission: 'first-use', idleTimeout: '10m' } });
    const changes = [{ name: 'c', delta: 1 }];
    for (const [life, idle] of [
      [5 * MINUTE, false],
      [HOUR, true],
    ]) {
      const user = unique();
      const exp = (clock.now() + Number(life)) / 1000;
      const answer = await auth.authenticate({
        token: sign(fresh({ sub: user, sid: 's', exp }, clock.now())),
      });
      assert.ok(answer.ok);
      clock.advance((idle ? 10 * MINUTE : Number(life)) - 1);
      assert.equal((await auth.counters.apply(user, changes, { auth: answer.auth })).applied, true);
      clock.advance(1);
      await assert.rejects(auth.counters.apply(user, changes, { auth: answer.auth }), fault('REVOKED'));
      assert.equal(await auth.counters.get(user, 'c'), 1);
    }
  });
});

describe('no data is left', () => {
  it(`of ${MANY} counters that returned to 0, of reads and of refusals`, async (t) => {
    const store = newStore();
    const { counters } = open(t, { store });
    const door = backdoor(store);
    for (const delta of [1, -1]) {
      const calls = Array.from({ length: MANY / BLOCK }, (_each, block) =>
        counters.apply(
          `user ${block % 100}`,
          Array.from({ length: BLOCK }, (_one, index) => ({ name: `${block} ${index}`, delta })),
        ),
      );
      assert.ok((await Promise.all(calls)).every(({ applied }) => applied));
    }
    await counters.add('somebody', 'c', 1, { max: 0, idempotencyKey: 'k' });
    await counters.get('somebody else', 'c');
    assert.equal(door.dump(), '');
  });

  it(`of ${MANY} keys of once() and answers that expired`, async (t) => {
    const store = newStore();
    const auth = open(t, { store });
    const door = backdoor(store);
    await Promise.all(
      Array.from({ length: MANY / 2 }, (_each, index) => auth.once(`${index}`, { ttl: '1h' })),
    );
    await Promise.all(
      Array.from({ length: MANY / 2 }, async (_each, index) => {
        await auth.counters.add('user', 'c', 1, { idempotencyKey: `${index}` });
      }),
    );
    await auth.counters.add('user', 'c', -MANY / 2);
    clock.advance(HOUR);
    assert.equal(door.dump().split('\n').length - 1, MANY / 2);
    clock.advance(DAY);
    assert.equal(door.dump(), '');
  });
});
