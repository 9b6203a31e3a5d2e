// A real server whose clock the test sets: its gettimeofday is replaced by one that reads a file, as in the Rust tests.
'use strict';

const { spawnSync } = require('node:child_process');
const { clockLibrary, setClock } = require('./clock-library.js');
const { missing, startServer } = require('./servers.js');
const { ownDirectory } = require('./started.js');

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
  const clock = clockLibrary(ownDirectory(t, 'time'));
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
      setClock(clock.STEERED_TIME, ms);
      await server.command('SAVE');
      Object.assign(env, clock);
      await server.restart();
    },
  };
}

module.exports = { missingSteered, startSteered };
