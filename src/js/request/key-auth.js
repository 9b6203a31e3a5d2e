'use strict';
// req.auth of a request with an API key.

const { deepFreeze } = require('../credential/claims.js');
const { NONE } = require('../credential/credential.js');
const { bare } = require('../util/names.js');
const { RequestAuth } = require('./request-auth.js');

/** @typedef {import('./key-decision.js').KeyDecision} KeyDecision */

class KeyAuth extends RequestAuth {
  /** @type {KeyDecision} */
  #decision;
  /** @type {{ keyId: string, ownerId: string, metadata?: unknown } | undefined} */
  #apiKey;

  /** @param {KeyDecision} decision */
  constructor(decision) {
    super(decision);
    this.#decision = decision;
  }

  get userId() {
    return this.apiKey.ownerId;
  }

  get sessionId() {
    return this.#decision.credential === NONE ? undefined : super.sessionId;
  }

  get apiKey() {
    this.#apiKey ??= apiKey(/** @type {import('../binding.js').NativeKeyUse} */ (this.#decision.use));
    return this.#apiKey;
  }

  toJSON() {
    return { ...super.toJSON(), apiKey: this.apiKey };
  }
}

/** @param {import('../binding.js').NativeKeyUse} use */
function apiKey(use) {
  const { keyId, ownerId, metadata } = bare(use);
  const plain = { keyId, ownerId };
  return deepFreeze(metadata === undefined ? plain : { ...plain, metadata: JSON.parse(metadata) });
}

exports.KeyAuth = KeyAuth;
