// Races for refresh tokens and for the slots of logins.
'use strict';

const assert = require('node:assert/strict');
const { unique } = require('../auths.js');
const { all, alone, around, open } = require('./crowd.js');

const LIMIT = 3;

/** @param {import('latchgate').Auth} auth @param {string} store @param {string} user @returns {Promise<string>} */
async function refreshToken(auth, store, user) {
  const answer = await alone(auth, store, () => auth.tokens.login(user));
  assert.ok(answer.ok);
  return answer.refreshToken;
}

/** @param {string} store @param {number} racers */
async function rotations(store, racers) {
  const auth = open(store);
  const token = await refreshToken(auth, store, unique());
  const answers = await all(racers, () => auth.tokens.refresh(token));
  const followed = new Set(answers.map((answer) => (answer.ok ? answer.refreshToken : answer.reason)));
  // Each that was handed out works.
  let good = 0;
  for (const each of followed) if ((await alone(auth, store, () => auth.tokens.refresh(each))).ok) good++;
  return { followed: followed.size, good };
}

/** @param {string} store @param {number} racers */
async function logoutAmongRefreshes(store, racers) {
  const auth = open(store);
  const user = unique();
  const token = await refreshToken(auth, store, user);
  const { results, intruded: ended } = await around(
    racers - 1,
    () => auth.tokens.refresh(token),
    () => auth.sessions.endAll(user),
  );
  const live = await alone(auth, store, () => auth.sessions.list(user));
  const next = results.flatMap((answer) => (answer.ok ? [answer.refreshToken] : []));
  let survivors = 0;
  for (const each of new Set([token, ...next]))
    if ((await alone(auth, store, () => auth.tokens.refresh(each))).ok) survivors++;
  return { ended, live: live.length, survivors };
}

/** @param {string} store @param {number} racers */
async function logins(store, racers) {
  const auth = open(store, { sessions: { limit: LIMIT } });
  const user = unique();
  const answers = await all(racers, () => auth.tokens.login(user));
  const live = await alone(auth, store, () => auth.sessions.list(user));
  return { admitted: answers.filter(({ ok }) => ok).length, live: live.length };
}

/** @param {string} store @param {number} racers */
async function retriedLogins(store, racers) {
  const auth = open(store, { sessions: { limit: 1 } });
  const user = unique();
  const answers = await all(racers, () => auth.tokens.login(user, { requestId: 'r' }));
  const live = await alone(auth, store, () => auth.sessions.list(user));
  return {
    refused: answers.filter(({ ok }) => !ok).length,
    fresh: answers.filter((answer) => answer.ok && !answer.admission.existing).length,
    live: live.length,
  };
}

/** A token is spent, and its grace is over: of those who bring it one ends the session. @param {string} store @param {number} racers */
async function replays(store, racers) {
  const auth = open(store, { refresh: { graceWindow: 0 } });
  const user = unique();
  let told = 0;
  auth.on('revoked', () => told++);
  const token = await refreshToken(auth, store, user);
  assert.ok((await alone(auth, store, () => auth.tokens.refresh(token))).ok);
  const answers = await all(racers, () => auth.tokens.refresh(token));
  const reused = answers.filter((answer) => !answer.ok && answer.reason === 'reused').length;
  const live = await alone(auth, store, () => auth.sessions.list(user));
  return { reused, told, live: live.length };
}

const crowd = (/** @type {number} */ racers) => racers;

/** @type {import('../races.js').Race[]} */
const RACES = [
  {
    rule: 'all who use one refresh token at once are given the same successor',
    racers: 40,
    arrivals: crowd,
    run: rotations,
    check: (seen) => assert.deepEqual(seen, { followed: 1, good: 1 }),
  },
  {
    rule: 'no refresh brings back a session that is ended among them, and no token of it survives',
    racers: 40,
    arrivals: crowd,
    run: logoutAmongRefreshes,
    check: (seen) => assert.deepEqual(seen, { ended: 1, live: 0, survivors: 0 }),
  },
  {
    rule: 'logins at once take exactly as many slots as the limit allows',
    racers: 40,
    arrivals: crowd,
    run: logins,
    check: (seen) => assert.deepEqual(seen, { admitted: LIMIT, live: LIMIT }),
  },
  {
    rule: 'one request that logs in many times at once has one slot',
    racers: 40,
    arrivals: crowd,
    run: retriedLogins,
    check: (seen) => assert.deepEqual(seen, { refused: 0, fresh: 1, live: 1 }),
  },
  {
    rule: 'of replays at once after the grace window one is told that it has ended the session',
    racers: 40,
    arrivals: crowd,
    run: replays,
    check: (seen) => assert.deepEqual(seen, { reused: 1, told: 1, live: 0 }),
  },
];

module.exports = { RACES };
