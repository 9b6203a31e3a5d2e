// Finds the specs, states the addon of each, and runs a group of them.
//
// The name of a spec says on which addon it runs:
//   *.spec.js                            the release addon, store memory:
//   *.race.spec.js *.middleware.spec.js  the release addon, and again on the test addon with
//                                        LATCHGATE_TEST_STORE=test-deferred: (completes late and out of order)
//   *.lab.spec.js                        the test addon only (settable clock, dumps, racy store)
//   *.server.spec.js, __test__/redis     the release addon, with real servers
'use strict';

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { list } = require('./files.js');
const { ROOT, run } = require('./run.js');

/** The specs of the product, and the specs of the bench and of the lab next to their subjects. */
const DIRECTORIES = ['__test__', 'bench'];
/** Milliseconds; a file that hangs must not hang the run. */
const FILE_TIMEOUT = 600_000;

/** @typedef {(file: string) => boolean} Wanted */

/** @type {Wanted} */
const isLab = (file) => file.endsWith('.lab.spec.js');
/** @type {Wanted} */
const isServer = (file) => (/(^|\/)redis\//.test(file) || file.endsWith('.server.spec.js')) && !isLab(file);
/** Servers that fail. @type {Wanted} */
const isFault = (file) =>
  isServer(file) && /\/(acks|cluster|faults|fences|sentinel|topologies|turn)[.-][^/]*$/.test(file);
/** @type {Wanted} */
const isBoth = (file) => /\.(race|middleware)\.spec\.js$/.test(file);
/** @type {Wanted} */
const isPlain = (file) => !isLab(file) && !isServer(file);
/** Specs of the package as users install it: they pack, install and start apps, which takes long. @type {Wanted} */
const isPackage = (file) =>
  isPlain(file) &&
  /\/(audit|demo|examples|examples-[a-z]+|pack|readme|recipes|process|start|platforms|environment)\.spec\.js$/.test(
    file,
  );

/**
 * @typedef {object} Counts
 * @property {number} passed
 * @property {number} failed
 * @property {Array<{ name: string, reason: string }>} skipped
 * @property {Array<{ file: string, seconds: number }>} files the slowest first
 */

/**
 * @param {Wanted} wanted
 * @param {{ env: NodeJS.ProcessEnv, concurrency: number }} options concurrency: files side by side
 * @returns {Promise<{ ok: boolean, files: number, assertions: number, counts?: Counts }>} without counts, node --test did not start
 */
async function runSpecs(wanted, { env, concurrency }) {
  const files = DIRECTORIES.flatMap((directory) => list(ROOT, directory, ['.spec.js'])).filter(wanted);
  // Without files, node --test would look for tests by itself.
  if (files.length === 0) return { ok: false, files: 0, assertions: 0 };
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'latchgate-test-'));
  try {
    const countFile = path.join(directory, 'counts.json');
    const assertionFile = path.join(directory, 'assertions');
    const { status } = await run(
      process.execPath,
      [
        '--require',
        path.join(__dirname, 'count-assertions.js'),
        '--test',
        `--test-concurrency=${concurrency}`,
        `--test-timeout=${FILE_TIMEOUT}`,
        '--test-reporter=spec',
        '--test-reporter-destination=stdout',
        `--test-reporter=${path.join(__dirname, 'count-reporter.mjs')}`,
        `--test-reporter-destination=${countFile}`,
        ...files,
      ],
      { env: { ...env, LATCHGATE_ASSERTIONS: assertionFile } },
    );
    if (!fs.existsSync(countFile)) return { ok: false, files: files.length, assertions: 0 };
    const lines = fs.existsSync(assertionFile) ? fs.readFileSync(assertionFile, 'utf8').split('\n') : [];
    return {
      ok: status === 0,
      files: files.length,
      assertions: lines.reduce((sum, line) => sum + Number(line), 0),
      counts: JSON.parse(fs.readFileSync(countFile, 'utf8')),
    };
  } finally {
    fs.rmSync(directory, { recursive: true, force: true });
  }
}

module.exports = { isBoth, isFault, isLab, isPackage, isPlain, isServer, runSpecs };
