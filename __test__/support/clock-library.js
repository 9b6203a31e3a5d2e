// The library by which a server goes by the clock that a file holds, in place of the machine's: preloaded, on Linux.
// libfaketime does not go with the allocator of these servers.
'use strict';

const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');

const SOURCE = path.join(__dirname, '..', 'rust', 'support', 'steered_time.rs');

/**
 * Builds it, where it is not there yet.
 * @param {string} directory of its own
 * @returns {{ LD_PRELOAD: string, STEERED_TIME: string }} the environment of a server that goes by the file STEERED_TIME
 */
function clockLibrary(directory) {
  const library = path.join(directory, 'steered_time.so');
  if (!fs.existsSync(library)) {
    const args = ['--edition', '2024', '--crate-type', 'cdylib', '-O', '-o', library, SOURCE];
    const { status, stderr } = spawnSync('rustc', args, { encoding: 'utf8' });
    if (status !== 0) throw new Error(`the clock of a server cannot be steered here:\n${stderr}`);
  }
  return { LD_PRELOAD: library, STEERED_TIME: path.join(directory, 'clock') };
}

/** @param {string} file @param {number} ms the instant at which the clock stands from now on */
function setClock(file, ms) {
  const us = Buffer.alloc(8);
  us.writeBigInt64LE(BigInt(ms) * 1000n);
  // In one step: the server reads it whenever it likes.
  fs.writeFileSync(`${file}.new`, us);
  fs.renameSync(`${file}.new`, file);
}

module.exports = { clockLibrary, setClock };
