'use strict';
// The scenarios, each a directory: unprotected.js and protected.js are the apps, load.js is what is sent and what must not happen.

const fs = require('node:fs');
const path = require('node:path');

/** @typedef {import('./lib/app.js').Scenario & { directory: string }} Entry */

/** @type {Entry[]} */
const SCENARIOS = fs
  .readdirSync(__dirname)
  .filter((name) => /^s\d\d$/.test(name))
  .sort()
  .map((directory) => ({ ...require(path.join(__dirname, directory, 'load.js')), directory }));

module.exports = { SCENARIOS };
