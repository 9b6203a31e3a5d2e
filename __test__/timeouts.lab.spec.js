// The effect of time on sessions: idle and absolute timeouts, ids of ended sessions, and a clock that is set back.
'use strict';

const assert = require('node:assert/strict');
const { after, beforeEach, describe, it } = require('node:test');
const { serve } = require('./support/app.js');
const { open, unique } = require('./support/auths.js');
const { get } = require('./support/http.js');
const { fresh, sign } = require('./support/jwt.js');
const { DAY, HOUR, MINUTE, SECOND, START, clock } = require('./support/lab.js');

beforeEach(() => clock.set(START));
after(() => clock.release());

const SESSIONS = { idleTimeout: '10m', absoluteTimeout: '1h' };

/** @param {import('node:test').TestContext} t @param {import('latchgate').SessionPolicy} [sessions] */
function opened(t, sessions = {}) {
  const auth = open(t, { sessions: { ...SESSIONS, ...sessions } });
  return { auth, user: unique() };
}

/** @param {import('latchgate').Auth} auth @param {string} user */
const ids = async (auth, user) => (await auth.sessions.list(user)).map(({ sessionId }) => sessionId);

/** @param {object} claims */
const tokenNow = (claims) =>
  sign(fresh({ exp: Math.floor(clock.now() / 1000) + 20 * 3600, ...claims }, clock.now()));

describe('idle timeout', () => {
  it('ends a session at its deadline, and not a millisecond earlier', async (t) => {
    const { auth, user } = opened(t);
    const admission = await auth.sessions.admit(user, { sessionId: 's' });
    assert.ok(admission.admitted);
    assert.equal(admission.session.expiresAt, START + 10 * MINUTE);
    clock.advance(10 * MINUTE - 1);
    assert.deepEqual(await ids(auth, user), ['s']);
    clock.advance(1);
    assert.deepEqual(await ids(auth, user), []);
    assert.equal(await auth.sessions.touch(user, 's'), null);
    assert.equal(await auth.sessions.end(user, 's'), false);
  });

  it('restarts with each touch', async (t) => {
    const { auth, user } = opened(t);
    await auth.sessions.admit(user, { sessionId: 's' });
    clock.advance(9 * MINUTE);
    const touched = await auth.sessions.touch(user, 's');
    assert.equal(touched?.lastActiveAt, START + 9 * MINUTE);
    assert.equal(touched?.createdAt, START);
    assert.equal(touched?.expiresAt, START + 19 * MINUTE);
    clock.advance(9 * MINUTE);
    assert.deepEqual(await ids(auth, user), ['s']);
  });

  it('answers 401 invalid_token over HTTP; an earlier request counts as activity', async (t) => {
    const { auth, user } = opened(t);
    const port = await serve(t, (app) => {
      app.use(auth.middleware());
      app.get('/', (req, res) => void res.json(req.auth?.session));
    });
    const token = tokenNow({ sub: user, sid: 's' });
    await auth.sessions.admit(user, { sessionId: 's' });
    clock.advance(9 * MINUTE);
    const seen = JSON.parse((await get(port, '/', token)).body);
    assert.equal(seen.previousActiveAt, START);
    assert.equal(seen.lastActiveAt, START + 9 * MINUTE);
    clock.advance(10 * MINUTE - 1);
    assert.equal((await get(port, '/', token)).status, 200);
    clock.advance(10 * MINUTE);
    const denied = await get(port, '/', token);
    assert.equal(denied.status, 401);
    assert.equal(denied.body, '{"error":"invalid_token"}');
  });

  it('is extended once per request, for any number of middlewares', async (t) => {
    const { auth, user } = opened(t, { admission: 'first-use' });
    /** @type {any[]} */
    const seen = [];
    const port = await serve(t, (app) => {
      const note = (/** @type {any} */ req, /** @type {unknown} */ _res, /** @type {() => void} */ next) => {
        seen.push(req.auth?.session);
        clock.advance(MINUTE);
        next();
      };
      app.use(auth.middleware(), note, auth.middleware(), note);
      app.get('/', (_req, res) => void res.sendStatus(200));
    });
    const token = tokenNow({ sub: user, sid: 's' });
    assert.equal((await get(port, '/', token)).status, 200);
    assert.equal((await get(port, '/', token)).status, 200);
    const instants = seen.map(({ previousActiveAt, lastActiveAt }) => [previousActiveAt, lastActiveAt]);
    const [first, second] = [START, START + 2 * MINUTE];
    assert.deepEqual(instants, [
      [first, first],
      [first, first],
      [first, second],
      [first, second],
    ]);
  });

  it('frees the slot, and retryAfterMs reports the time', async (t) => {
    const { auth, user } = opened(t, { limit: 1 });
    await auth.sessions.admit(user);
    clock.advance(MINUTE);
    const refused = await auth.sessions.admit(user);
    assert.deepEqual(refused, {
      admitted: false,
      reason: 'session_limit',
      active: 1,
      limit: 1,
      retryAfterMs: 9 * MINUTE,
    });
    clock.advance(9 * MINUTE);
    assert.equal((await auth.sessions.admit(user)).admitted, true);
  });

  it('is not extended by a denied request', async (t) => {
    const { auth, user } = opened(t);
    const port = await serve(t, (app) => {
      app.use(auth.middleware({ scope: 'write' }));
      app.get('/', (_req, res) => void res.sendStatus(200));
    });
    await auth.sessions.admit(user, { sessionId: 's' });
    clock.advance(9 * MINUTE);
    assert.equal((await get(port, '/', tokenNow({ sub: user, sid: 's' }))).status, 403);
    clock.advance(MINUTE);
    assert.deepEqual(await ids(auth, user), []);
  });
});

describe('absolute timeout', () => {
  it('ends a session regardless of its activity, and no touch extends it', async (t) => {
    const { auth, user } = opened(t);
    await auth.sessions.admit(user, { sessionId: 's' });
    for (let minute = 5; minute < 60; minute += 5) {
      clock.advance(5 * MINUTE);
      const touched = await auth.sessions.touch(user, 's');
      assert.ok(touched !== null && touched.expiresAt <= START + HOUR);
    }
    clock.set(START + HOUR - 1);
    assert.deepEqual(await ids(auth, user), ['s']);
    clock.set(START + HOUR);
    assert.deepEqual(await ids(auth, user), []);
    assert.equal(await auth.sessions.touch(user, 's'), null);
  });

  it('is not extended by a repeated admission of the live session', async (t) => {
    const { auth, user } = opened(t);
    await auth.sessions.admit(user, { sessionId: 's' });
    clock.advance(9 * MINUTE);
    const again = await auth.sessions.admit(user, {
      sessionId: 's',
      absoluteTimeout: '5h',
      idleTimeout: '5h',
    });
    assert.ok(again.admitted && again.existing);
    assert.equal(again.session.createdAt, START);
    assert.ok(again.session.expiresAt <= START + HOUR);
  });

  it('is not extended by requests', async (t) => {
    const { auth, user } = opened(t, { admission: 'first-use' });
    const token = tokenNow({ sub: user, sid: 's' });
    for (let minute = 0; minute < 60; minute += 5) {
      assert.equal((await auth.authenticate({ token })).ok, true);
      clock.advance(5 * MINUTE);
    }
    assert.equal(clock.now(), START + HOUR);
    const denied = await auth.authenticate({ token });
    assert.ok(!denied.ok);
    assert.equal(denied.reason, 'session_ended');
  });
});

describe('the id of an ended session', () => {
  /** maxAge of a day, without tolerance: the maximum lifetime of a token, plus the minute that its iat may be ahead. */
  const HORIZON = DAY + MINUTE;

  /** @type {Array<[string, (auth: import('latchgate').Auth, user: string) => Promise<unknown>, number]>} */
  const ENDINGS = [
    ['ended', (auth, user) => auth.sessions.end(user, 's'), START],
    ['ended with all other sessions', (auth, user) => auth.sessions.endAll(user), START],
    ['ended with the user', (auth, user) => auth.tokens.revokeUser(user), START],
    ['evicted', (auth, user) => auth.sessions.admit(user, { limit: 1, onLimit: 'evict-oldest' }), START],
    ['timed out', async () => clock.advance(10 * MINUTE), START + 10 * MINUTE],
  ];
  for (const [how, end, at] of ENDINGS) {
    it(`if it was ${how}, is refused until no valid token can name it, and is new afterwards`, async (t) => {
      const { auth, user } = opened(t);
      await auth.sessions.admit(user, { sessionId: 's' });
      await end(auth, user);
      const last = at + HORIZON - 1;
      for (const instant of [at, at + MINUTE, at + HOUR, at + DAY, last]) {
        clock.set(instant);
        const refused = await auth.sessions.admit(user, { sessionId: 's', limit: 100 });
        assert.equal(refused.admitted, false, `${instant - at} ms after its end`);
        assert.equal(!refused.admitted && refused.reason, 'session_ended');
      }
      clock.set(last + 1);
      const again = await auth.sessions.admit(user, { sessionId: 's' });
      assert.ok(again.admitted && !again.existing);
    });
  }

  it('is kept for the absolute timeout if that is longer', async (t) => {
    const { auth, user } = opened(t, { absoluteTimeout: '3d', idleTimeout: '3d' });
    await auth.sessions.admit(user, { sessionId: 's' });
    clock.advance(DAY);
    await auth.sessions.end(user, 's');
    clock.advance(3 * DAY - 1);
    assert.equal((await auth.sessions.admit(user, { sessionId: 's' })).admitted, false);
    clock.advance(1);
    assert.equal((await auth.sessions.admit(user, { sessionId: 's' })).admitted, true);
  });

  it('counts clockTolerance twice', async (t) => {
    const auth = open(t, {
      jwt: { secret: 's'.repeat(32), maxAge: '2h', clockTolerance: '5m' },
      sessions: SESSIONS,
    });
    const user = unique();
    await auth.sessions.admit(user, { sessionId: 's' });
    await auth.sessions.end(user, 's');
    clock.advance(2 * HOUR + 10 * MINUTE + MINUTE - 1);
    assert.equal((await auth.sessions.admit(user, { sessionId: 's' })).admitted, false);
    clock.advance(1);
    assert.equal((await auth.sessions.admit(user, { sessionId: 's' })).admitted, true);
  });

  it('is refused by first use too, with 401 and without a new slot', async (t) => {
    const { auth, user } = opened(t, { admission: 'first-use' });
    const token = tokenNow({ sub: user, sid: 's' });
    assert.equal((await auth.authenticate({ token })).ok, true);
    await auth.sessions.end(user, 's');
    const denied = await auth.authenticate({ token });
    assert.ok(!denied.ok);
    assert.deepEqual([denied.status, denied.reason], [401, 'session_ended']);
    assert.deepEqual(await ids(auth, user), []);
  });

  it('is not kept longer because of repeated admissions', async (t) => {
    const { auth, user } = opened(t);
    await auth.sessions.admit(user, { sessionId: 's' });
    await auth.sessions.end(user, 's');
    for (let hour = 1; hour <= 24; hour++) {
      clock.set(START + hour * HOUR);
      assert.equal((await auth.sessions.admit(user, { sessionId: 's' })).admitted, false);
    }
    clock.set(START + HORIZON);
    assert.equal((await auth.sessions.admit(user, { sessionId: 's' })).admitted, true);
  });
});

describe('a clock that is set back', () => {
  it('never decreases lastActiveAt', async (t) => {
    const { auth, user } = opened(t);
    await auth.sessions.admit(user, { sessionId: 's' });
    clock.advance(5 * MINUTE);
    await auth.sessions.touch(user, 's');
    clock.advance(-4 * MINUTE);
    const touched = await auth.sessions.touch(user, 's');
    assert.equal(touched?.lastActiveAt, START + 5 * MINUTE);
    const token = tokenNow({ sub: user, sid: 's' });
    const seen = await auth.authenticate({ token });
    assert.ok(seen.ok);
    assert.equal(seen.auth.session?.lastActiveAt, START + 5 * MINUTE);
    assert.equal(seen.auth.session?.previousActiveAt, START + 5 * MINUTE);
  });

  it('ends no session, and keeps the order of activity', async (t) => {
    const { auth, user } = opened(t);
    for (const sessionId of ['a', 'b', 'c']) {
      await auth.sessions.admit(user, { sessionId });
      clock.advance(-14 * SECOND);
    }
    assert.deepEqual(await ids(auth, user), ['c', 'b', 'a']);
    await auth.sessions.touch(user, 'a');
    assert.deepEqual(await ids(auth, user), ['a', 'c', 'b']);
    const admission = await auth.sessions.admit(user, { sessionId: 'd', limit: 3, onLimit: 'evict-oldest' });
    assert.ok(admission.admitted);
    assert.deepEqual(
      admission.evicted.map(({ sessionId }) => sessionId),
      ['b'],
    );
  });
});
