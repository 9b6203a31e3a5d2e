// Logins and refreshes in tests: those that must succeed, and why others do not.
'use strict';

const assert = require('node:assert/strict');

/** @typedef {import('latchgate').Auth} Auth */

/** @param {Auth} auth @param {string} user @param {Parameters<Auth['tokens']['login']>[1]} [options] */
async function login(auth, user, options) {
  const answer = await auth.tokens.login(user, options);
  assert.ok(answer.ok);
  return answer;
}

/** @param {Auth} auth @param {string} token @param {Parameters<Auth['tokens']['refresh']>[1]} [options] */
async function refresh(auth, token, options) {
  const answer = await auth.tokens.refresh(token, options);
  assert.ok(answer.ok, JSON.stringify(answer));
  return answer;
}

/** @param {Auth} auth @param {string} token @returns {Promise<string>} */
const why = async (auth, token) => {
  const answer = await auth.tokens.refresh(token);
  return answer.ok ? 'ok' : answer.reason;
};

/** @param {Auth} auth @param {string} token */
const passes = async (auth, token) => (await auth.authenticate({ token })).ok;

/** @param {Auth} auth @param {string} user */
const ids = async (auth, user) => (await auth.sessions.list(user)).map(({ sessionId }) => sessionId);

/** @param {string} token */
const claimsOf = (token) => JSON.parse(Buffer.from(token.split('.')[1], 'base64url').toString());

module.exports = { claimsOf, ids, login, passes, refresh, why };
