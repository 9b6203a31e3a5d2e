// A real server whose clock the test sets: its gettimeofday is replaced by one that reads a file, as in the Rust tests.
'use strict';

const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { missing, startServer } = require('./servers.js');
const { ownDirectory } = require('./started.js');

const SOURCE = path.join(__dirname, '..', 'rust', 'support', 'steered_time.rs');

/** For the option `skip` of a test. @param {'redis' | 'valkey'} kind @returns {Promise<string | false>} */
async function missingSteered(kind) {
  if (process.platform !== 'linux') return 'a clock is set by LD_PRELOAD';
  if (spawnSync('rustc', ['--version']).status !== 0) return 'no rustc on PATH';
  return missing(kind);
}

/**
 * The clock is the machine's until restartAt() sets it: a server that asks a file for the time is slow.
 * @param {import('./started.js').Test} t
 * @param {import('./servers.js').Options} [options]
 */
async function startSteered(t, options = {}) {
  const directory = ownDirectory(t, 'time');
  const [library, file] = ['steered_time.so', 'time'].map((name) => path.join(directory, name));
  const args = ['--edition', '2024', '--crate-type', 'cdylib', '-O', '-o', library, SOURCE];
  const { status, stderr } = spawnSync('rustc', args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`the library that steers a server's clock cannot be built:\n${stderr}`);
  /** @type {Record<string, string>} */
  const env = {};
  const server = await startServer(t, { ...options, env });
  return {
    server,
    /** Started again with all that it holds, it goes by the machine's clock. */
    async restart() {
      await server.command('SAVE');
      for (const name of Object.keys(env)) delete env[name];
      await server.restart();
    },
    /** Started again with all that it holds, it goes by this instant. @param {number} ms */
    async restartAt(ms) {
      const bytes = Buffer.alloc(8);
      bytes.writeBigInt64LE(BigInt(ms) * 1000n);
      fs.writeFileSync(file, bytes);
      await server.command('SAVE');
      Object.assign(env, { LD_PRELOAD: library, STEERED_TIME: file });
      await server.restart();
    },
  };
}

module.exports = { missingSteered, startSteered };
