'use strict';
// The credential of a request, for a later check; and the turns of users, which depend on the credential.

const { NONE } = require('../credential/credential.js');
const { runExclusive } = require('./critical-section.js');
const { settingsOf, work } = require('./locks.js');
const { KIND, place } = require('./turns.js');

/**
 * @typedef {import('../request/decision.js').RequestDecision} RequestDecision
 * @typedef {import('./turns.js').Credential} Credential
 */

/**
 * @param {RequestDecision} decision
 * @returns {Credential} it never leaves the package
 */
function credentialOf(decision) {
  const token = decision.credential === NONE ? undefined : decision.token;
  const { key } = decision;
  return key === undefined ? { token } : { token, key };
}

/**
 * @template T
 * @param {RequestDecision} decision
 * @param {string} userId
 * @param {(lease: import('./lease.js').Lease) => Promise<T> | T} fn
 * @param {unknown} options LockOptions
 * @returns {Promise<T>}
 */
async function runAsUser(decision, userId, fn, options) {
  const { engine } = decision;
  engine.assertOpen();
  const settings = settingsOf(options);
  const at = place(KIND.user, userId);
  return runExclusive(engine, at, work(fn), settings, credentialOf(decision), decision.turn);
}

module.exports = { credentialOf, runAsUser };
