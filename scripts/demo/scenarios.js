// The races, fired in the same way at the app that listens on a port.
'use strict';

const { setTimeout: delay } = require('node:timers/promises');
const { send, sendTogether } = require('./client.js');
const { SCENARIO: keyQuota } = require('./key-quota.js');

const SESSION_LIMIT = 3;
const USERS = 5;
const LOGINS = 200;

const PLAYERS = 5;
const REGISTRATIONS = 200;

const TOKENS = 4;
const BETTORS_OF_A_TOKEN = 5;
const PAUSE_BETWEEN_BETS = 25;
// Spread over the two seconds of the unprotected app's cache, so that no lucky moment decides the count.
const PAUSE_BETWEEN_REVOCATIONS = 500;
const BET_AFTER = 2200;

/**
 * `exact`: exactly the allowed number passed.
 * @typedef {{ letThrough: number, allowed: number, exact: boolean, tried: number }} Count
 */

/**
 * Parallel logins of one user; counted is how many of the tokens then work. Repeated for several users.
 * @param {number} port
 * @returns {Promise<Count>}
 */
async function sessionLimit(port) {
  let letThrough = 0;
  let exact = true;
  for (let user = 1; user <= USERS; user++) {
    const login = { path: '/login', body: { user: `user-${user}` } };
    const answers = await sendTogether(port, new Array(LOGINS).fill(login));
    const tokens = answers.filter(({ status }) => status === 201).map(({ body }) => body.token);
    const uses = await Promise.all(tokens.map((token) => send(port, { method: 'GET', path: '/me', token })));
    const working = uses.filter(({ status }) => status === 200).length;
    letThrough += working;
    exact &&= working === SESSION_LIMIT;
  }
  return { letThrough, allowed: SESSION_LIMIT * USERS, exact, tried: LOGINS * USERS };
}

/**
 * Bets are posted with several tokens, all the time, and one token after the other is revoked meanwhile. Counted are
 * bets that were accepted although their request was begun after the answer to the revocation had arrived.
 * @param {number} port
 * @returns {Promise<Count>}
 */
async function revocation(port) {
  let stop = false;
  let letThrough = 0;
  let tried = 0;
  // An app that accepts nothing at all would pass by being useless.
  let worked = true;

  const betUntilStopped = async (
    /** @type {{ token: string, revokedAt: number, accepted: number }} */ player,
  ) => {
    while (!stop) {
      const begun = performance.now();
      const { status } = await send(port, { path: '/bets', token: player.token, body: { stake: 1 } });
      const accepted = status === 201;
      if (begun > player.revokedAt) {
        tried++;
        if (accepted) letThrough++;
      } else if (accepted) player.accepted++;
      await delay(PAUSE_BETWEEN_BETS);
    }
  };

  const players = [];
  for (let number = 1; number <= TOKENS; number++) {
    const { body } = await send(port, { path: '/login', body: { user: `bettor-${number}` } });
    players.push({ token: body?.token, revokedAt: Number.POSITIVE_INFINITY, accepted: 0 });
  }
  const bettors = players.flatMap((player) =>
    Array.from({ length: BETTORS_OF_A_TOKEN }, () => betUntilStopped(player)),
  );
  for (const player of players) {
    await delay(PAUSE_BETWEEN_REVOCATIONS);
    const { body } = await send(port, { path: '/revoke', body: { token: player.token } });
    player.revokedAt = performance.now();
    worked &&= body?.revoked === true && player.accepted > 0;
  }
  await delay(BET_AFTER);
  stop = true;
  await Promise.all(bettors);
  return { letThrough, allowed: 0, exact: worked && letThrough === 0, tried };
}

/**
 * Parallel registrations by one player, as by an impatient finger; counted is how many were accepted. Repeated for several
 * players.
 * @param {number} port
 * @returns {Promise<Count>}
 */
async function registration(port) {
  let letThrough = 0;
  let exact = true;
  for (let player = 1; player <= PLAYERS; player++) {
    const { body } = await send(port, { path: '/login', body: { user: `player-${player}` } });
    const register = { path: '/register', token: body?.token };
    const answers = await sendTogether(port, new Array(REGISTRATIONS).fill(register));
    const accepted = answers.filter(({ status }) => status === 201).length;
    letThrough += accepted;
    exact &&= accepted === 1;
  }
  return { letThrough, allowed: PLAYERS, exact, tried: REGISTRATIONS * PLAYERS };
}

const SCENARIOS = [
  {
    name: `live sessions, ${USERS} users, limit ${SESSION_LIMIT}, ${LOGINS} parallel logins each`,
    run: sessionLimit,
  },
  keyQuota,
  {
    name: `registrations, ${PLAYERS} players, one each, ${REGISTRATIONS} parallel requests each`,
    run: registration,
  },
  { name: `bets begun after revoke() had answered, ${TOKENS} tokens`, run: revocation },
];

module.exports = { SCENARIOS };
