// A scenario played on a store, told so that it can be compared with what another store made of it.
'use strict';

const { randomUUID } = require('node:crypto');
const { open } = require('./auths.js');
const { plain } = require('./scenarios.js');

/**
 * @param {import('node:test').TestContext} t
 * @param {string} store
 * @param {(typeof import('./scenarios.js').SCENARIOS)[0]} scenario
 */
async function transcript(t, store, { run }) {
  const suffix = randomUUID();
  const seen = await run({
    t,
    open: (options) => open(t, { ...options, store }),
    name: (label) => `${label}${suffix}`,
  });
  return plain(seen, suffix);
}

module.exports = { transcript };
