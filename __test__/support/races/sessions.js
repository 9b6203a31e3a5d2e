// Races for session slots: admission, first use, eviction, end.
'use strict';

const assert = require('node:assert/strict');
const express5 = require('express');
const { unique } = require('../auths.js');
const { get, send } = require('../http.js');
const { token } = require('../jwt.js');
const { all, alone, around, countOf, onSite, open } = require('./crowd.js');

const LIMIT = 3;

/** @param {string} store @param {number} racers */
async function admissions(store, racers) {
  const auth = open(store);
  const user = unique();
  const results = await all(racers, () => auth.sessions.admit(user, { limit: LIMIT }));
  const live = await alone(auth, store, () => auth.sessions.list(user));
  return { admitted: results.filter(({ admitted }) => admitted).length, live: live.length };
}

/** @param {string} store @param {number} racers */
async function logins(store, racers, express = express5) {
  const auth = open(store, { sessions: { limit: LIMIT } });
  const user = unique();
  const build = (/** @type {import('express').Express} */ app) => {
    app.post('/login', async (_req, res) => {
      const { admitted } = await auth.sessions.admit(user);
      res.sendStatus(admitted ? 201 : 403);
    });
  };
  const answers = await onSite(express, build, (port) =>
    all(racers, () => send(port, { method: 'POST', path: '/login' })),
  );
  const live = await alone(auth, store, () => auth.sessions.list(user));
  return { admitted: countOf(answers, 201), refused: countOf(answers, 403), live: live.length };
}

/** @param {string} store @param {number} racers */
async function firstUses(store, racers, express = express5) {
  const auth = open(store, { sessions: { limit: LIMIT, admission: 'first-use' } });
  const user = unique();
  let handled = 0;
  const build = (/** @type {import('express').Express} */ app) => {
    app.use(auth.middleware());
    app.get('/', (_req, res) => {
      handled++;
      res.sendStatus(200);
    });
  };
  const answers = await onSite(express, build, (port) =>
    all(racers, () => get(port, '/', token({ sub: user, sid: unique('s') }))),
  );
  const live = await alone(auth, store, () => auth.sessions.list(user));
  return { handled, admitted: countOf(answers, 200), refused: countOf(answers, 403), live: live.length };
}

/** @param {string} store @param {number} racers */
async function places(store, racers) {
  const auth = open(store);
  const user = unique();
  const results = await all(racers, () => auth.sessions.admit(user));
  return results.map(({ active }) => active).sort((a, b) => a - b);
}

/** @param {string} store @param {number} racers */
async function evictions(store, racers) {
  const auth = open(store, { sessions: { limit: LIMIT, onLimit: 'evict-oldest' } });
  const user = unique();
  let most = 0;
  /** @type {string[]} */
  const evicted = [];
  await all(racers, async () => {
    const admission = await auth.sessions.admit(user);
    most = Math.max(most, admission.active);
    if (admission.admitted) evicted.push(...admission.evicted.map(({ sessionId }) => sessionId));
  });
  const live = await alone(auth, store, () => auth.sessions.list(user));
  return { most, live: live.length, evicted: evicted.length, twice: evicted.length - new Set(evicted).size };
}

/** @param {string} store @param {number} racers */
async function sameSession(store, racers) {
  const auth = open(store, { sessions: { limit: 1 } });
  const user = unique();
  const results = await all(racers, () => auth.sessions.admit(user, { sessionId: 'tab' }));
  const live = await alone(auth, store, () => auth.sessions.list(user));
  return {
    admitted: results.filter(({ admitted }) => admitted).length,
    fresh: results.filter((result) => result.admitted && !result.existing).length,
    live: live.length,
  };
}

/** @param {string} store @param {number} racers */
async function ends(store, racers) {
  const auth = open(store);
  const user = unique();
  await alone(auth, store, () => auth.sessions.admit(user, { sessionId: 's' }));
  const results = await all(racers, () => auth.sessions.end(user, 's'));
  return results.filter(Boolean).length;
}

/** @param {string} store @param {number} racers */
async function endDuringTouches(store, racers) {
  const auth = open(store);
  const user = unique();
  await alone(auth, store, () => auth.sessions.admit(user, { sessionId: 's' }));
  const { intruded: ended } = await around(
    racers,
    () => auth.sessions.touch(user, 's'),
    () => auth.sessions.end(user, 's'),
  );
  const live = await alone(auth, store, () => auth.sessions.list(user));
  const touched = await alone(auth, store, () => auth.sessions.touch(user, 's'));
  return { ended, live: live.length, touched };
}

/** @param {string} store @param {number} racers */
async function endDuringRequests(store, racers, express = express5) {
  const auth = open(store, { sessions: { admission: 'first-use' } });
  const user = unique();
  const text = token({ sub: user, sid: 's' });
  /** @type {Promise<boolean> | undefined} */
  let ending;
  let arrived = 0;
  await alone(auth, store, () => auth.sessions.admit(user, { sessionId: 's' }));
  const build = (/** @type {import('express').Express} */ app) => {
    app.use((_req, _res, next) => {
      if (++arrived === Math.floor(racers / 2)) ending = auth.sessions.end(user, 's');
      next();
    });
    app.use(auth.middleware());
    app.get('/', (_req, res) => void res.sendStatus(200));
  };
  return onSite(express, build, async (port) => {
    await all(racers, () => get(port, '/', text));
    const ended = await ending;
    // One operation more, so that a store that waits for as many as in the first wave need not wait.
    const again = all(racers, () => get(port, '/', text));
    const [afterwards] = await Promise.all([again, auth.ready()]);
    return { ended, afterwards: countOf(afterwards, 200), refused: countOf(afterwards, 401) };
  });
}

/** @param {string} store @param {number} racers */
async function logoutDuringLogins(store, racers) {
  const auth = open(store);
  const user = unique();
  const before = [unique('old'), unique('old')];
  for (const sessionId of before) await alone(auth, store, () => auth.sessions.admit(user, { sessionId }));
  const { results, intruded: ended } = await around(
    racers,
    () => auth.sessions.admit(user),
    () => auth.sessions.endAll(user),
  );
  const live = (await alone(auth, store, () => auth.sessions.list(user))).map(({ sessionId }) => sessionId);
  return {
    admitted: results.filter(({ admitted }) => admitted).length,
    ended,
    live: live.length,
    survivors: before.filter((sessionId) => live.includes(sessionId)).length,
  };
}

const RACES = [
  {
    rule: 'parallel admissions of one user take exactly as many slots as the limit allows',
    racers: 200,
    arrivals: (/** @type {number} */ racers) => racers,
    run: admissions,
    check: (/** @type {any} */ seen) => assert.deepEqual(seen, { admitted: LIMIT, live: LIMIT }),
  },
  {
    rule: 'parallel logins over HTTP take exactly as many slots as the limit allows',
    racers: 200,
    arrivals: (/** @type {number} */ racers) => racers,
    run: logins,
    check: (/** @type {any} */ seen, /** @type {number} */ racers) =>
      assert.deepEqual(seen, { admitted: LIMIT, refused: racers - LIMIT, live: LIMIT }),
  },
  {
    rule: 'of parallel first uses exactly as many reach the handler as the limit allows',
    racers: 200,
    arrivals: (/** @type {number} */ racers) => racers,
    run: firstUses,
    check: (/** @type {any} */ seen, /** @type {number} */ racers) =>
      assert.deepEqual(seen, { handled: LIMIT, admitted: LIMIT, refused: racers - LIMIT, live: LIMIT }),
  },
  {
    rule: 'of parallel admissions each counts all that came before it',
    racers: 100,
    arrivals: (/** @type {number} */ racers) => racers,
    run: places,
    check: (/** @type {any} */ seen, /** @type {number} */ racers) =>
      assert.deepEqual(
        seen,
        Array.from({ length: racers }, (_, index) => index + 1),
      ),
  },
  {
    rule: 'with evict-oldest never more than the limit are live, and each session is evicted once at most',
    racers: 100,
    arrivals: (/** @type {number} */ racers) => racers,
    run: evictions,
    check: (/** @type {any} */ seen, /** @type {number} */ racers) =>
      assert.deepEqual(seen, { most: LIMIT, live: LIMIT, evicted: racers - LIMIT, twice: 0 }),
  },
  {
    rule: 'one session id admitted many times at once takes one slot and is new once',
    racers: 100,
    arrivals: (/** @type {number} */ racers) => racers,
    run: sameSession,
    check: (/** @type {any} */ seen, /** @type {number} */ racers) =>
      assert.deepEqual(seen, { admitted: racers, fresh: 1, live: 1 }),
  },
  {
    rule: 'a session ended many times at once was ended by one of them',
    racers: 50,
    arrivals: (/** @type {number} */ racers) => racers,
    run: ends,
    check: (/** @type {any} */ seen) => assert.equal(seen, 1),
  },
  {
    rule: 'a session ended among touches does not come back',
    racers: 100,
    arrivals: (/** @type {number} */ racers) => racers + 1,
    run: endDuringTouches,
    check: (/** @type {any} */ seen) => assert.deepEqual(seen, { ended: true, live: 0, touched: null }),
  },
  {
    rule: 'a session ended among its own requests does not come back by any of them',
    racers: 100,
    arrivals: (/** @type {number} */ racers) => racers + 1,
    run: endDuringRequests,
    check: (/** @type {any} */ seen, /** @type {number} */ racers) =>
      assert.deepEqual(seen, { ended: true, afterwards: 0, refused: racers }),
  },
  {
    rule: 'a logout of all devices among logins ends every earlier session, and what it did not end is live',
    racers: 100,
    arrivals: (/** @type {number} */ racers) => racers + 1,
    run: logoutDuringLogins,
    check: (/** @type {any} */ seen, /** @type {number} */ racers) => {
      assert.equal(seen.survivors, 0);
      assert.equal(seen.admitted, racers);
      assert.equal(seen.ended + seen.live, racers + 2);
    },
  },
];

module.exports = { RACES };
