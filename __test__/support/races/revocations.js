// Races between revocation and what it must stop.
'use strict';

const assert = require('node:assert/strict');
const express5 = require('express');
const { unique } = require('../auths.js');
const { get } = require('../http.js');
const { token } = require('../jwt.js');
const { all, alone, around, countOf, onSite, open } = require('./crowd.js');

/**
 * Requests with one token, a revocation among them, and as many requests again once it has resolved.
 * @param {import('latchgate').Auth} auth
 * @param {number} racers
 * @param {any} express
 * @param {(index: number) => string} tokenOf
 * @param {() => Promise<unknown>} revoke
 */
async function revokeAmongRequests(auth, racers, express, tokenOf, revoke) {
  let arrived = 0;
  let resolved = false;
  let late = 0;
  /** @type {Promise<unknown> | undefined} */
  let revoking;
  const build = (/** @type {import('express').Express} */ app) => {
    app.use((req, _res, next) => {
      if (++arrived === Math.floor(racers / 2)) revoking = revoke().then(() => (resolved = true));
      Object.assign(req, { late: resolved });
      next();
    });
    app.use(auth.middleware());
    app.get('/', (/** @type {any} */ req, res) => {
      if (req.late) late++;
      res.sendStatus(200);
    });
  };
  return onSite(express, build, async (port) => {
    await all(racers, (index) => get(port, '/', tokenOf(index)));
    await revoking;
    // One operation more, so that a store that waits for as many as in the first wave need not wait.
    const again = all(racers, (index) => get(port, '/', tokenOf(index)));
    const [afterwards] = await Promise.all([again, auth.ready()]);
    return { late, afterwards: countOf(afterwards, 200), denied: racers - countOf(afterwards, 200) };
  });
}

/** @param {string} store @param {number} racers */
function revokeToken(store, racers, express = express5) {
  const auth = open(store);
  const text = token({ sub: unique() });
  return revokeAmongRequests(
    auth,
    racers,
    express,
    () => text,
    () => auth.tokens.revoke(text),
  );
}

/** @param {string} store @param {number} racers */
function revokeUser(store, racers, express = express5) {
  const auth = open(store, { sessions: { admission: 'first-use' } });
  const user = unique();
  const texts = Array.from({ length: racers }, () => token({ sub: user, sid: unique('s') }));
  return revokeAmongRequests(
    auth,
    racers,
    express,
    (index) => texts[index],
    () => auth.tokens.revokeUser(user),
  );
}

/** @param {string} store @param {number} racers */
function blockUser(store, racers, express = express5) {
  const auth = open(store);
  const user = unique();
  return revokeAmongRequests(
    auth,
    racers,
    express,
    () => token({ sub: user }),
    () => auth.tokens.blockUser(user),
  );
}

/** @param {string} store @param {number} racers */
async function blockDuringAdmissions(store, racers) {
  const auth = open(store);
  const user = unique();
  const { results, intruded } = await around(
    racers,
    () => auth.sessions.admit(user),
    () => auth.tokens.blockUser(user),
  );
  const live = await alone(auth, store, () => auth.sessions.list(user));
  const next = await alone(auth, store, () => auth.sessions.admit(user));
  return {
    live: live.length,
    unaccounted: results.filter(({ admitted }) => admitted).length - intruded.sessionsEnded,
    next: next.admitted ? 'admitted' : next.reason,
  };
}

/** @param {string} store @param {number} racers */
async function revokeMany(store, racers) {
  const auth = open(store);
  const userId = unique();
  const ids = Array.from({ length: racers }, () => unique('jti'));
  const expiresAt = Date.now() + 3_600_000;
  const results = await all(racers, (index) => auth.tokens.revokeId({ jti: ids[index], userId, expiresAt }));
  const revoked = await all(racers, (index) => auth.tokens.isRevoked({ jti: ids[index], userId }));
  return { resolved: results.filter(Boolean).length, revoked: revoked.filter(Boolean).length };
}

const NONE_LATE = (/** @type {any} */ seen, /** @type {number} */ racers) =>
  assert.deepEqual(seen, { late: 0, afterwards: 0, denied: racers });

const RACES = [
  {
    rule: 'no request begun after revoke() has resolved is let through with that token',
    racers: 500,
    arrivals: (/** @type {number} */ racers) => racers + 1,
    run: revokeToken,
    check: NONE_LATE,
  },
  {
    rule: 'no request begun after revokeUser() has resolved is let through with an older token',
    racers: 100,
    arrivals: (/** @type {number} */ racers) => racers + 1,
    run: revokeUser,
    check: NONE_LATE,
  },
  {
    rule: 'no request begun after blockUser() has resolved is let through with any token',
    racers: 100,
    arrivals: (/** @type {number} */ racers) => racers + 1,
    run: blockUser,
    check: NONE_LATE,
  },
  {
    rule: 'a block among admissions leaves no session behind',
    racers: 100,
    arrivals: (/** @type {number} */ racers) => racers + 1,
    run: blockDuringAdmissions,
    check: (/** @type {any} */ seen) => assert.deepEqual(seen, { live: 0, unaccounted: 0, next: 'blocked' }),
  },
  {
    rule: 'of many tokens of one user revoked at once all stay revoked',
    racers: 100,
    arrivals: (/** @type {number} */ racers) => racers,
    run: revokeMany,
    check: (/** @type {any} */ seen, /** @type {number} */ racers) =>
      assert.deepEqual(seen, { resolved: racers, revoked: racers }),
  },
];

module.exports = { RACES };
