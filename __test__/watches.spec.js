// req.auth.signal of many concurrent requests: the number of checks in the store, and per iteration of the event
// loop. The test controls the clock.
'use strict';

const assert = require('node:assert/strict');
const { createHook } = require('node:async_hooks');
const { EventEmitter } = require('node:events');
const { before, beforeEach, describe, it } = require('node:test');
const { newStore, open, unique } = require('./support/auths.js');
const { SECRET, token } = require('./support/jwt.js');
const { steerTimers } = require('./support/timers.js');
const { gate, tick: turn } = require('./support/turns.js');
const { MOST } = require('../src/js/util/slices.js');
const { SLOTS, SLOT_MS } = require('../src/js/util/wheel.js');
const binding = /** @type {any} */ (require('../src/js/binding.js'));

const REVOLUTION_MS = SLOTS * SLOT_MS;
const SESSIONS = { sessions: { admission: /** @type {const} */ ('first-use') } };

/** Number of checks by credential. @type {Map<string, number>} */
const asked = new Map();
let total = 0;
let isListening = false;

before(() => {
  const { standing } = binding.Gate.prototype;
  binding.Gate.prototype.standing = function (/** @type {[string, string?, string?]} */ ...args) {
    const name = args.join(' ');
    asked.set(name, (asked.get(name) ?? 0) + 1);
    total++;
    return standing.apply(this, args);
  };
});

beforeEach(() => {
  asked.clear();
  total = 0;
  isListening = false;
});

/**
 * Returns the increments of a number, one per iteration of the event loop, until the number is stable.
 * @param {() => unknown} act
 * @param {number} [atLeast] a minimum, because a message may take several iterations to arrive
 * @param {() => number} [number]
 */
async function turnsOf(act, atLeast = 0, number = () => total) {
  const counts = [];
  const first = number();
  act();
  for (let quiet = 0, last = first; quiet < 5 || last < first + atLeast; await turn()) {
    const now = number();
    if (now > last) counts.push(now - last);
    quiet = now > last ? 0 : quiet + 1;
    last = now;
  }
  return counts;
}

/**
 * Returns a function that advances the clock, one slot of the wheel at a time.
 * @param {import('node:test').TestContext} t
 */
function steered(t) {
  const tick = steerTimers(t);
  const own = Object.getOwnPropertyDescriptor(performance, 'now');
  let now = Math.ceil(performance.now() / SLOT_MS) * SLOT_MS;
  Object.defineProperty(performance, 'now', { value: () => now, configurable: true });
  t.after(() => {
    if (own === undefined) Reflect.deleteProperty(performance, 'now');
    else Object.defineProperty(performance, 'now', own);
  });
  /** Returns the number of checks in each iteration of the event loop, for each slot. @param {number} ms */
  return async (ms) => {
    const slots = [];
    for (let gone = 0; gone < ms; gone += SLOT_MS) {
      slots.push(
        await turnsOf(() => {
          now += SLOT_MS;
          tick(SLOT_MS);
        }),
      );
    }
    return slots;
  };
}

/** A minimal response with the events that a watch uses. */
const response = () => /** @type {any} */ (new EventEmitter());

/**
 * Returns the auth of an allowed request.
 * @param {import('latchgate').Auth} auth
 * @param {string} text
 */
async function passed(auth, text) {
  const answer = await auth.authenticate({ token: text });
  assert.ok(answer.ok);
  return answer.auth;
}

/** @param {import('latchgate').Auth} auth @param {number} count @param {(n: number) => object} claims */
async function watched(auth, count, claims) {
  const all = [];
  for (let n = 0; n < count; n++) {
    const own = await passed(auth, token({ sid: `s${n}`, ...claims(n) }));
    all.push({ own, signal: own.signal });
  }
  // When the store begins to publish revocations, all signals are checked.
  await listening();
  return all;
}

/** Resolves when the store publishes revocations to this process, and the resulting checks are done. */
async function listening() {
  await turnsOf(() => {}, isListening ? 0 : 1);
  isListening = true;
  asked.clear();
  total = 0;
}

/** @param {number[][]} slots */
const sum = (slots) => slots.flat().reduce((all, each) => all + each, 0);

describe('signals of many requests', () => {
  it('are checked once per revolution of the wheel, evenly distributed', async (t) => {
    const advance = steered(t);
    const auth = open(t, SESSIONS);
    const all = await watched(auth, 2000, (n) => ({ sub: `user ${n}` }));
    for (let round = 1; round <= 3; round++) {
      const slots = await advance(REVOLUTION_MS);
      assert.equal(sum(slots), 2000);
      assert.ok([...asked.values()].every((count) => count === round));
      // The mean is 21.
      assert.ok(Math.max(...slots.map((slot) => sum([slot]))) <= 2 * MOST, `${slots}`);
      assert.ok(Math.max(...slots.flat()) <= MOST);
    }
    assert.ok(all.every(({ signal }) => !signal.aborted));
  });

  it('that start at any time are checked within one revolution', async (t) => {
    const advance = steered(t);
    const auth = open(t, SESSIONS);
    for (let n = 0; n < 50; n++) {
      const user = unique();
      const [{ own }] = await watched(auth, 1, () => ({ sub: user }));
      const before = total;
      await advance(REVOLUTION_MS);
      assert.ok(total - before >= 1, `${n}`);
      if (n % 2 === 0) own.done();
      await advance((n % 7) * SLOT_MS);
    }
  });

  it('share one check if they share user and credential, and abort by its result', async (t) => {
    const advance = steered(t);
    const store = newStore();
    const auth = open(t, { store, ...SESSIONS });
    const user = unique();
    const text = token({ sub: user, sid: 's' });
    const [same, other] = [[], []].map(() => /** @type {AbortSignal[]} */ ([]));
    for (let n = 0; n < 300; n++) same.push((await passed(auth, text)).signal);
    for (let n = 0; n < 3; n++) other.push((await passed(auth, token({ sub: user, sid: `o${n}` }))).signal);
    await listening();
    assert.equal(sum(await advance(REVOLUTION_MS)), 4);
    // A push causes one check per credential, and no other check.
    const before = total;
    await turnsOf(() => auth.sessions.end(user, 's'), 4);
    assert.equal(total - before, 4);
    assert.deepEqual(
      [same, other].map((signals) => signals.filter(({ aborted }) => aborted).length),
      [300, 0],
    );
    assert.equal(sum(await advance(REVOLUTION_MS)), 3);
  });

  it('of one user are checked after a push, one slice per iteration', async (t) => {
    steered(t);
    const auth = open(t, SESSIONS);
    const user = unique();
    const all = await watched(auth, 1000, () => ({ sub: user }));
    let askedByThen = NaN;
    all[7].signal.addEventListener('abort', () => {
      askedByThen = total;
    });
    const counts = await turnsOf(() => auth.sessions.end(user, 's7'), 1000);
    assert.equal(sum([counts]), 1000);
    assert.equal(askedByThen, 8, 'the result of the first slice arrives immediately');
    assert.ok(Math.max(...counts) <= MOST, `${counts}`);
    assert.deepEqual(
      all.flatMap(({ signal }, n) => (signal.aborted ? [n] : [])),
      [7],
    );
  });

  it('abort one slice per iteration, each once, and not if the request has ended meanwhile', async (t) => {
    steered(t);
    const auth = open(t, SESSIONS);
    const user = unique();
    const text = token({ sub: user, sid: 's' });
    let told = 0;
    /** @type {import('latchgate').RequestAuth[]} */
    const all = [];
    for (let n = 0; n < 500; n++) {
      const own = await passed(auth, text);
      own.signal.addEventListener('abort', () => told++);
      all.push(own);
    }
    // The last request ends before its signal is reached.
    all[0].signal.addEventListener('abort', () => all.at(-1)?.done());
    const perTurn = await turnsOf(
      () => auth.tokens.revokeUser(user),
      499,
      () => told,
    );
    assert.equal(told, 499);
    assert.equal(all.at(-1)?.signal.aborted, false);
    assert.ok(Math.max(...perTurn) <= MOST, `${perTurn}`);
  });

  it('are still checked if an abort listener starts a watch or ends other requests', async (t) => {
    const advance = steered(t);
    const auth = open(t, SESSIONS);
    const [gone, stays] = [unique(), unique()];
    const [first, second] = await watched(auth, 2, () => ({ sub: gone }));
    const later = await passed(auth, token({ sub: stays, sid: 's' }));
    first.signal.addEventListener('abort', () => {
      second.own.done();
      assert.equal(later.signal.aborted, false);
    });
    await turnsOf(() => auth.sessions.end(gone, 's0'), 1);
    assert.deepEqual([first.signal.aborted, second.signal.aborted], [true, false]);
    assert.equal(sum(await advance(REVOLUTION_MS)), 1);
    await turnsOf(() => auth.tokens.revokeUser(stays), 1);
    assert.equal(later.signal.aborted, true);
  });
});

describe('when the last request has ended', () => {
  /** @param {import('node:test').TestContext} t */
  async function site(t) {
    const auth = open(t, SESSIONS);
    const middleware = auth.middleware();
    /** Sends an allowed request, and returns its auth and its response. @param {string} text */
    const ask = async (text) => {
      const res = response();
      const req = /** @type {any} */ ({
        method: 'GET',
        url: '/',
        headers: { authorization: `Bearer ${text}` },
        rawHeaders: ['authorization', `Bearer ${text}`],
      });
      const { opened, open: next } = gate();
      middleware(req, res, () => next());
      await opened;
      return { auth: req.auth, res };
    };
    return { auth, ask };
  }

  for (const [how, end] of /** @type {Array<[string, (given: any) => unknown]>} */ ([
    ['by its response', ({ res }) => res.emit('close')],
    ['by done()', ({ auth }) => auth.done()],
    ['by a revocation', ({ auth, of }) => of.tokens.revokeUser(auth.userId)],
  ])) {
    it(`no timer, no immediate, no listener and no check is left: ${how}`, async (t) => {
      const { auth, ask } = await site(t);
      const users = Array.from({ length: 200 }, () => unique());
      const all = [];
      for (const user of users) all.push(await ask(token({ sub: user, sid: 's' })));
      const listeners = all.map(({ res }) => res.listenerCount('close'));
      /** @type {Map<number, string>} */
      const alive = new Map();
      const hook = createHook({
        init: (id, type) => void (['Timeout', 'Immediate'].includes(type) && alive.set(id, type)),
        destroy: (id) => void alive.delete(id),
      }).enable();
      t.after(() => hook.disable());
      for (const each of all) assert.equal(each.auth.signal.aborted, false);
      assert.ok([...alive.values()].includes('Timeout'));
      for (const each of all) await end({ ...each, of: auth });
      // Wait for the end of the test's own timers too.
      for (let n = 0; n < 20; n++) await turn();
      const left = [...alive.values()].filter((type) => type === 'Timeout');
      assert.deepEqual(left, []);
      if (how !== 'by its response')
        assert.deepEqual(
          all.map(({ res }) => res.listenerCount('close')),
          listeners,
        );
      const before = total;
      await new Promise((resolve) => setTimeout(resolve, REVOLUTION_MS + 5 * SLOT_MS));
      assert.equal(total, before);
    });
  }

  it('a closed Auth checks nothing', async (t) => {
    const advance = steered(t);
    const { createAuth } = require('latchgate');
    const auth = createAuth({ store: newStore(), jwt: { secret: SECRET }, ...SESSIONS });
    await watched(auth, 200, (n) => ({ sub: `user ${n}` }));
    await auth.close();
    const before = total;
    assert.equal(sum(await advance(2 * REVOLUTION_MS)), 0);
    assert.equal(total, before);
  });
});
