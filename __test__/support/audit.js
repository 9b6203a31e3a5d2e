// The command `latchgate audit`, run as a process of its own.
'use strict';

const fs = require('node:fs');
const path = require('node:path');
const { ROOT, runNode } = require('./child.js');
const { ownDirectory } = require('./started.js');

/** @typedef {import('../../src/cli/audit/run.js').Finding} Finding */

const COMMAND = path.join(ROOT, 'src', 'cli', 'main.js');

/**
 * @param {import('node:test').TestContext} t
 * @param {object | string} config a string is a file's text
 * @param {string[]} [args]
 * @param {{ name?: string, env?: Record<string, string>, deadline?: number }} [options] name: of the file
 */
async function audit(t, config, args = [], { name = 'audit.json', env, deadline } = {}) {
  const directory = ownDirectory(t, 'audit');
  const file = path.join(directory, name);
  fs.writeFileSync(file, typeof config === 'string' ? config : JSON.stringify(config));
  return runNode([COMMAND, 'audit', file, ...args], { env, cwd: directory, deadline });
}

/** @param {{ stdout: string }} ending @returns {{ requests: number, seconds: number, seed: string, findings: Finding[] }} */
const told = ({ stdout }) => JSON.parse(stdout);

module.exports = { COMMAND, audit, told };
