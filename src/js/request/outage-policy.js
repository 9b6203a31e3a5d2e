'use strict';
// The decision while the store cannot answer: 503. If onStoreError allows every check that the request needs, signature,
// claims and scopes decide alone.

const { claim } = require('../credential/claims.js');
const { ALLOWED } = require('../native/records.js');
const { MODE } = require('../options/session-options.js');

/** @typedef {import('../runtime/native-store.js').Engine} Engine */

/**
 * @param {import('./decision.js').RequestDecision} decision
 * @param {number} flags of the question
 * @returns {number} reason code
 */
function codeWithoutStore(decision, flags) {
  const { engine, policy, credential } = decision;
  const { lenience, codes } = engine;
  if (!lenience.revocation || (policy.quota !== undefined && !lenience.quota)) return codes.storeUnavailable;
  const code = verified(engine, credential, flags);
  if (code !== ALLOWED) return code;
  if (!lenience.sessions && isSessionChecked(decision)) return codes.storeUnavailable;
  return hasScopes(decision) ? ALLOWED : codes.scopeMissing;
}

/**
 * The fault may be in the gate itself. Then verification fails too, and the request is denied.
 * @param {Engine} engine
 * @param {string} credential
 * @param {number} flags
 */
function verified({ gate, codes }, credential, flags) {
  try {
    return gate.verify(credential, flags);
  } catch {
    return codes.storeUnavailable;
  }
}

/**
 * The tokens of login() always are. Whether `lgs` counts is the addon's to say, by the key: here every one does.
 * @param {import('./decision.js').RequestDecision} decision
 */
function isSessionChecked({ engine, claims }) {
  return engine.sessions.sessionMode !== MODE.loginOnly || claim(claims, 'lgs') !== undefined;
}

/** @param {import('./decision.js').RequestDecision} decision */
function hasScopes({ policy, scopes: granted }) {
  return policy.scopes.every((scope) => granted.includes(scope));
}

/**
 * @param {Engine} engine
 * @returns {boolean} whether any request may pass while the store is unavailable
 */
function mayDegrade({ lenience, sessions }) {
  return lenience.revocation && (lenience.sessions || sessions.sessionMode === MODE.loginOnly);
}

module.exports = { codeWithoutStore, mayDegrade };
