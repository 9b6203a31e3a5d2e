// Auths for tests: each on a store of its own, of the kind that LATCHGATE_TEST_STORE names.
'use strict';

const { randomUUID } = require('node:crypto');
const { createAuth } = require('latchgate');
const { SECRET } = require('./jwt.js');

/** `memory:`, or a store of the test build that completes late. */
const KIND = process.env.LATCHGATE_TEST_STORE || 'memory:';

/** The URL of a store that nobody else uses. @param {string} [kind] */
const newStore = (kind = KIND) => `${kind}${randomUUID()}`;

/** @param {string} [label] @returns {string} an id that no other test uses */
const unique = (label = 'user') => `${label}-${randomUUID()}`;

/**
 * @param {{ after: (fn: () => Promise<void>) => void }} t
 * @param {import('latchgate').AuthOptions} [options] `jwt` default: the test secret
 */
function open(t, options = {}) {
  const auth = createAuth({ store: newStore(), jwt: { secret: SECRET }, ...options });
  t.after(() => auth.close());
  return auth;
}

/** @param {string} code @param {RegExp} [message] */
const fault = (code, message) => (/** @type {any} */ error) => {
  const { LatchgateError } = require('latchgate');
  if (!(error instanceof LatchgateError) || error.code !== `ERR_LATCHGATE_${code}`) throw error;
  if (message !== undefined && !message.test(error.message)) throw error;
  return true;
};

module.exports = { KIND, fault, newStore, open, unique };
