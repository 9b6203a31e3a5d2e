// A login, a refresh and a logout, for tests that interrupt them: whoever asks again gets one slot and one successor.
'use strict';

const assert = require('node:assert/strict');
const { unique } = require('./auths.js');
const { numberOf } = require('./forged.js');
const { ids, login, passes, refresh, why } = require('./logins.js');

/** @typedef {import('latchgate').Auth} Auth */
/** @typedef {import('./servers.js').RealServer} Server */
/** @typedef {{ user: string, token: string, first: string }} Subject token: what is presented; first: its access token */

const GRACE = { graceWindow: '5m' };

/** How many links from spent tokens to their successors the servers hold. @param {Server[]} servers */
async function links(servers) {
  let total = 0;
  for (const server of servers)
    for (const key of await server.keys())
      if (key.split(':')[2] === 'fg') total += await server.command('HLEN', key);
  return total;
}

/**
 * Each act: what stands before it, the call, how many commands it is at first sight, and what must hold after it was asked for
 * once more, however far it had got.
 * @type {Array<{ name: string, commands: number, prepare: (judge: Auth) => Promise<Subject>, call: string, again: (judge: Auth, servers: Server[], subject: Subject) => Promise<void> }>}
 */
const ACTS = [
  {
    name: 'a login',
    commands: 1,
    prepare: async () => ({ user: unique(), token: '', first: '' }),
    call: "auth.tokens.login(user, { requestId: 'r' })",
    again: async (judge, _servers, { user }) => {
      const { refreshToken, accessToken } = await login(judge, user, { requestId: 'r' });
      assert.equal((await ids(judge, user)).length, 1);
      assert.ok(await passes(judge, accessToken));
      await refresh(judge, refreshToken);
    },
  },
  {
    name: 'a login that is retried',
    commands: 2,
    prepare: async (judge) => {
      const user = unique();
      const { refreshToken, accessToken } = await login(judge, user, { requestId: 'r' });
      return { user, token: refreshToken, first: accessToken };
    },
    call: "auth.tokens.login(user, { requestId: 'r' })",
    again: async (judge, _servers, { user, token, first }) => {
      const { refreshToken, admission } = await login(judge, user, { requestId: 'r' });
      assert.ok(admission.existing);
      assert.equal((await ids(judge, user)).length, 1);
      assert.ok(await passes(judge, first));
      assert.equal(await why(judge, token), 'invalid');
      await refresh(judge, refreshToken);
      assert.equal(await why(judge, token), 'invalid');
    },
  },
  {
    name: 'a refresh',
    commands: 2,
    prepare: async (judge) => {
      const user = unique();
      const { refreshToken, accessToken } = await login(judge, user);
      return { user, token: refreshToken, first: accessToken };
    },
    call: 'auth.tokens.refresh(token)',
    again: async (judge, servers, { user, token }) => {
      const answers = await Promise.all(Array.from({ length: 5 }, () => refresh(judge, token)));
      const successors = new Set(answers.map(({ refreshToken }) => refreshToken));
      assert.equal(successors.size, 1);
      assert.equal(await links(servers), 1);
      assert.equal((await ids(judge, user)).length, 1);
      const [successor] = successors;
      assert.equal(numberOf(successor), numberOf(token) + 1);
      const next = await refresh(judge, successor);
      assert.ok(await passes(judge, next.accessToken));
      assert.equal((await refresh(judge, token)).refreshToken, next.refreshToken);
    },
  },
  {
    name: 'a logout',
    commands: 2,
    prepare: async (judge) => {
      const user = unique();
      const { refreshToken, accessToken } = await login(judge, user);
      return { user, token: refreshToken, first: accessToken };
    },
    call: 'auth.tokens.logout(token)',
    again: async (judge, _servers, { user, token, first }) => {
      await judge.tokens.logout(token);
      assert.deepEqual(await ids(judge, user), []);
      assert.equal(await why(judge, token), 'revoked');
      assert.ok(!(await passes(judge, first)));
    },
  },
];

/** Every script is known to a server where somebody did all of it. @param {Auth} auth @param {Auth} other */
async function warmUp(auth, other) {
  const { refreshToken } = await login(auth, unique('warm'), { requestId: 'w' });
  await other.tokens.logout((await refresh(other, refreshToken)).refreshToken);
}

module.exports = { ACTS, GRACE, warmUp };
