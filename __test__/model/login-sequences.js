// Random sequences of logins and later calls. Each call runs on two Auths of one store and on the reference, and the
// answers are compared one by one.
'use strict';

const { createAuth } = require('latchgate');
const { SECRET, read } = require('../support/jwt.js');
const { defined } = require('./counting.js');
const { differ } = require('./expect.js');
const { LoginReference } = require('./login-reference.js');
const { randomOf } = require('./sequences.js');

/** Operations, and the frequency of each. @type {Array<[string, number]>} */
const WEIGHTS = [
  ['login', 14],
  ['refresh', 24],
  ['logout', 3],
  ['authenticate', 6],
  ['end', 2],
  ['endAll', 1],
  ['list', 3],
  ['revokeUser', 1],
  ['blockUser', 1],
  ['unblockUser', 2],
];

let runs = 0;

/** @param {ReturnType<typeof randomOf>} random */
function saidOf(random) {
  return defined({
    scope: random.below(3) === 0 ? random.of(['a', 'a b']) : undefined,
    claims: random.below(3) === 0 ? { role: random.of(['x', 'ü']) } : undefined,
  });
}

/** @param {ReturnType<typeof randomOf>} random */
function loginOf(random) {
  const maybe = (/** @type {any} */ value) => (random.below(2) === 0 ? value : undefined);
  return defined({
    ...saidOf(random),
    requestId: maybe(random.of(['r0', 'r1', 'r2'])),
    sessionId: random.below(4) === 0 ? random.of(['s0', 's1', 's2', 's3']) : undefined,
    limit: maybe(random.below(4)),
    onLimit: maybe('evict-oldest'),
  });
}

/**
 * @param {string} store shared by name
 * @param {number} seed
 * @param {number} [length]
 * @returns {Promise<string | undefined>} the first answer that differs from the expected answer
 */
async function playLogins(store, seed, length = 80) {
  const random = randomOf(seed);
  const bag = WEIGHTS.flatMap(([name, weight]) => Array(weight).fill(name));
  const grace = random.below(3) > 0;
  const options = { store, jwt: { secret: SECRET }, refresh: { graceWindow: grace ? '1h' : 0 } };
  const auths = /** @type {any[]} */ ([createAuth(options), createAuth(options)]);
  const reference = new LoginReference(grace);
  const run = `${process.pid}-${Date.now()}-l${runs++}`;
  /** @type {string[]} */
  const refreshTokens = ['none'];
  /** @type {string[]} */
  const accessTokens = ['none'];
  const played = [];
  try {
    for (let n = 0; n < length; n++) {
      const name = random.of(bag);
      played.push(name);
      const [actual, expected] = await step(name);
      if (actual?.ok && actual.refreshToken !== undefined) {
        refreshTokens.push(actual.refreshToken);
        accessTokens.push(actual.accessToken);
      }
      const problem = differ(expected, actual);
      if (problem !== undefined) return `operation ${n} of seed ${seed} (${played.join(' ')}): ${problem}`;
    }
    return undefined;
  } finally {
    for (const auth of auths) await auth.close();
  }

  /** @param {string} name @returns {Promise<[any, any]>} the answer, and the expected answer */
  async function step(name) {
    const { sessions, tokens, authenticate } = auths[random.below(2)];
    const user = `user-${random.below(3)}-${run}`;
    // Late tokens are chosen more often, because most rules concern the end of a chain.
    const late = (/** @type {string[]} */ list) =>
      random.below(2) === 0 ? list[Math.max(0, list.length - 1 - random.below(4))] : random.of(list);
    const [refreshToken, accessToken] = [late(refreshTokens), late(accessTokens)];
    switch (name) {
      case 'login': {
        const asked = loginOf(random);
        const told = await tokens.login(user, asked).catch(asInput);
        return [told, reference.login(user, asked, told)];
      }
      case 'refresh': {
        const said = saidOf(random);
        const told = await tokens.refresh(refreshToken, said);
        const expected = reference.refresh(refreshToken, told);
        const says = told.ok ? differ(reference.says(refreshToken, said), read(told.accessToken)) : undefined;
        return [says ?? told, expected];
      }
      case 'logout': {
        const token = random.of([refreshToken, accessToken]);
        return [await tokens.logout(token), reference.logout(token)];
      }
      case 'authenticate': {
        const { ok } = await authenticate.call(auths[0], { token: accessToken });
        return [ok, reference.passes(accessToken)];
      }
      case 'end': {
        const [first = { sessionId: 's0' }] = reference.list(user);
        return [await sessions.end(user, first.sessionId), reference.end(user, first.sessionId)];
      }
      case 'endAll':
        return [await sessions.endAll(user), reference.endAll(user)];
      case 'list':
        return [await sessions.list(user), reference.list(user)];
      case 'revokeUser':
        return [await tokens.revokeUser(user), reference.revokeUser(user)];
      case 'blockUser':
        return [await tokens.blockUser(user), reference.blockUser(user)];
      default:
        return [await tokens.unblockUser(user), reference.unblockUser(user)];
    }
  }
}

/** Returns an input error as an answer. @param {any} error */
function asInput(error) {
  if (error.code !== 'ERR_LATCHGATE_INPUT') throw error;
  return error;
}

module.exports = { playLogins };
