// npm test: runs everything, one section after the other, and sums up. All sections run even after a failure.
//
//   npm test                        everything
//   npm test -- --only specs        the sections whose name holds one of these words (comma separated)
//   npm test -- --list              the names of the sections
//
// Specs are found by name, and the name says on which addon they run:
//   *.spec.js                            the release addon, store memory:
//   *.race.spec.js *.middleware.spec.js  the release addon, and again on the test addon with
//                                        LATCHGATE_TEST_STORE=test-deferred: (completes late and out of order)
//   *.lab.spec.js                        the test addon only (settable clock, dumps, racy store)
// Specs in __test__/redis start real servers; the conformance suite in Rust does too. What of redis-server, valkey-server,
// nginx and libfaketime is absent is installed where apt-get can, else told in one line.
// The test addon is chosen with NAPI_RS_NATIVE_LIBRARY_PATH, which the generated loader honours; on the release
// addon that variable is unset. LATCHGATE_VECTORS, a directory of published vectors and further token corpora, is passed through.
// Type tests are the tsconfig*.json files in __test__/types.
//
// What cannot run here is printed with its reason. With CI=true a section or spec that is skipped is a failure.
'use strict';

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { list } = require('./lib/files.js');
const { ROOT, run } = require('./lib/run.js');
const { setupServers } = require('./lib/servers.js');
const { SetupError, TEST_ADDON, setup } = require('./setup.js');

const CI = process.env.CI !== undefined && !['', '0', 'false'].includes(process.env.CI);
const SPEC_CONCURRENCY = 2;
/** Files whose servers fall and whose deadlines pass: each keeps many processes busy, which a crowded machine would disturb. */
const FALL_CONCURRENCY = Math.max(1, Math.floor(os.availableParallelism() / 2));
/** Milliseconds; a file that hangs must not hang the run. */
const FILE_TIMEOUT = 600_000;

/** @typedef {{ ok: boolean, skipped?: string, elsewhere?: boolean, note?: string }} Outcome skipped: the reason; elsewhere: CI runs it in another job */
/** @typedef {{ name: string, needs?: 'packages' | 'addon' | 'test-addon', run: () => Promise<Outcome> }} Section */

/** @param {string[]} args */
async function cargo(...args) {
  const { status, output } = await run('cargo', args);
  const component = /error: no such command: `(fmt|clippy)`|'cargo-(fmt|clippy)' is not installed/.exec(
    output,
  );
  if (component) return { ok: true, skipped: `run \`rustup component add ${component[1] ?? component[2]}\`` };
  let passed = 0;
  let ignored = 0;
  for (const match of output.matchAll(/(\d+) passed; \d+ failed; (\d+) ignored/g)) {
    passed += Number(match[1]);
    ignored += Number(match[2]);
  }
  if (ignored > 0 && CI) return { ok: false, note: `${ignored} tests ignored` };
  return { ok: status === 0, note: args[0] === 'test' ? `${passed} tests, ${ignored} ignored` : undefined };
}

/** deny.toml without the advisories, whose list is fetched. @returns {Promise<Outcome>} */
async function deny() {
  const { status } = await run('cargo', ['deny', '--version'], { quiet: true });
  if (status !== 0)
    return {
      ok: true,
      skipped: 'cargo-deny is not installed: a job of its own runs it in CI',
      elsewhere: true,
    };
  return cargo('deny', '--locked', 'check', 'licenses', 'bans', 'sources');
}

/** The fuzz targets, a minute each in CI. @returns {Promise<Outcome>} */
async function fuzz() {
  const { status, output } = await run(process.execPath, ['scripts/fuzz.js', '--seconds', CI ? '60' : '10']);
  if (status === 3) return { ok: true, skipped: output.trim().split('\n').at(-1) };
  return { ok: status === 0, note: `${output.match(/: holds, /g)?.length ?? 0} targets` };
}

/** @param {string[]} args */
const node = async (...args) => ({ ok: (await run(process.execPath, args)).status === 0 });

/** A tool out of node_modules, started without a shell. @param {string} script @param {string[]} args */
const tool = (script, ...args) => node(path.join(ROOT, 'node_modules', script), ...args);

async function typeTest() {
  const projects = list(ROOT, '__test__/types', ['.json']).filter((file) =>
    /\/tsconfig[^/]*\.json$/.test(file),
  );
  if (projects.length === 0) return { ok: true, skipped: 'no tsconfig.json in __test__/types' };
  for (const project of projects) {
    console.log(`tsc -p ${project}`);
    if (!(await tool('typescript/bin/tsc', '-p', project)).ok) return { ok: false, note: project };
  }
  return { ok: true, note: `${projects.length} projects` };
}

/**
 * @param {(file: string) => boolean} wanted
 * @param {NodeJS.ProcessEnv} env
 * @param {number} [concurrency]
 * @returns {Promise<Outcome>}
 */
async function specs(wanted, env, concurrency = SPEC_CONCURRENCY) {
  const files = list(ROOT, '__test__', ['.spec.js']).filter(wanted);
  if (files.length === 0) return { ok: true, skipped: 'no spec files' };
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'latchgate-test-'));
  try {
    const countFile = path.join(directory, 'counts.json');
    const { status } = await run(
      process.execPath,
      [
        '--test',
        `--test-concurrency=${concurrency}`,
        `--test-timeout=${FILE_TIMEOUT}`,
        '--test-reporter=spec',
        '--test-reporter-destination=stdout',
        `--test-reporter=${path.join(__dirname, 'lib', 'count-reporter.mjs')}`,
        `--test-reporter-destination=${countFile}`,
        ...files,
      ],
      { env },
    );
    if (!fs.existsSync(countFile)) return { ok: false, note: 'the test runner did not start' };
    const { passed, failed, skipped } = JSON.parse(fs.readFileSync(countFile, 'utf8'));
    for (const { name, reason } of skipped) console.log(`skipped: ${name} (${reason})`);
    return {
      ok: status === 0 && !(CI && skipped.length > 0),
      note: `${files.length} files: ${passed} passed, ${failed} failed, ${skipped.length} skipped`,
    };
  } finally {
    fs.rmSync(directory, { recursive: true, force: true });
  }
}

const onRelease = { NAPI_RS_NATIVE_LIBRARY_PATH: undefined, LATCHGATE_TEST_STORE: undefined };
const onTestAddon = { ...onRelease, NAPI_RS_NATIVE_LIBRARY_PATH: TEST_ADDON };
const isLab = (/** @type {string} */ file) => file.endsWith('.lab.spec.js');
const isServer = (/** @type {string} */ file) => /(^|\/)redis\//.test(file) && !isLab(file);
const isFall = (/** @type {string} */ file) =>
  /\/(acks|cluster|faults|fences|sentinel|topologies|turn)[.-][^/]*$/.test(file);
const isBoth = (/** @type {string} */ file) => /\.(race|middleware)\.spec\.js$/.test(file);

/** @type {Section[]} */
const SECTIONS = [
  { name: 'rust format', run: () => cargo('fmt', '--check') },
  {
    name: 'rust format, fuzz targets',
    run: () => cargo('fmt', '--check', '--manifest-path', '__test__/fuzz/Cargo.toml'),
  },
  {
    name: 'rust clippy, core alone',
    run: () => cargo('clippy', '--locked', '--all-targets', '--no-default-features', '--', '-D', 'warnings'),
  },
  {
    name: 'rust clippy, addon',
    run: () => cargo('clippy', '--locked', '--all-targets', '--', '-D', 'warnings'),
  },
  {
    name: 'rust clippy, test addon',
    run: () => cargo('clippy', '--locked', '--all-targets', '--all-features', '--', '-D', 'warnings'),
  },
  { name: 'rust tests', run: () => cargo('test', '--locked', '--no-default-features') },
  {
    name: 'rust tests, test stores',
    run: () => cargo('test', '--locked', '--no-default-features', '--features', 'test-stores'),
  },
  { name: 'licences', run: () => node('scripts/licences.js', '--check') },
  { name: 'cargo deny', run: deny },
  { name: 'check imports, self-test', run: () => node('scripts/check-imports.js', '--self-test') },
  { name: 'check imports', run: () => node('scripts/check-imports.js') },
  { name: 'check guards, self-test', run: () => node('scripts/check-guards.js', '--self-test') },
  { name: 'check guards', run: () => node('scripts/check-guards.js') },
  { name: 'check codes, self-test', run: () => node('scripts/check-codes.js', '--self-test') },
  { name: 'check codes', run: () => node('scripts/check-codes.js') },
  { name: 'check words, self-test', run: () => node('scripts/check-words.js', '--self-test') },
  { name: 'check words', run: () => node('scripts/check-words.js') },
  {
    name: 'check comments only, self-test',
    run: () => node('scripts/check-comments-only.js', '--self-test'),
  },
  { name: 'check versions', run: () => node('scripts/check-versions.js') },
  { name: 'check supply, self-test', run: () => node('scripts/check-supply.js', '--self-test') },
  { name: 'check supply', run: () => node('scripts/check-supply.js') },
  {
    name: 'lint',
    needs: 'packages',
    run: () => tool('@biomejs/biome/bin/biome', 'check', '--error-on-warnings'),
  },
  { name: 'typecheck', needs: 'addon', run: () => tool('typescript/bin/tsc', '-p', 'tsconfig.json') },
  { name: 'type test', needs: 'packages', run: typeTest },
  {
    name: 'specs, release',
    needs: 'addon',
    run: () => specs((file) => !isLab(file) && !isServer(file), onRelease),
  },
  {
    name: 'specs, servers',
    needs: 'addon',
    run: () => specs((file) => isServer(file) && !isFall(file), onRelease),
  },
  {
    name: 'specs, servers that fall',
    needs: 'addon',
    run: () => specs((file) => isServer(file) && isFall(file), onRelease, FALL_CONCURRENCY),
  },
  {
    name: 'specs, deferred store',
    needs: 'test-addon',
    run: () => specs(isBoth, { ...onTestAddon, LATCHGATE_TEST_STORE: 'test-deferred:' }),
  },
  { name: 'specs, lab', needs: 'test-addon', run: () => specs(isLab, onTestAddon) },
  { name: 'fuzz', run: fuzz },
];

/** @param {string[]} args @returns {Section[]} */
function choose(args) {
  const at = args.findIndex((arg) => arg === '--only' || arg.startsWith('--only='));
  if (at < 0) return SECTIONS;
  const words = (args[at]?.split('=')[1] ?? args[at + 1] ?? '').split(',').filter(Boolean);
  const chosen = SECTIONS.filter(({ name }) => words.some((word) => name.includes(word)));
  if (chosen.length === 0)
    throw new SetupError(`--only ${words.join(',')} names no section; see npm test -- --list`);
  return chosen;
}

async function main() {
  const args = process.argv.slice(2);
  if (args.includes('--list')) {
    for (const { name } of SECTIONS) console.log(name);
    return;
  }
  const chosen = choose(args);
  const needs = new Set(chosen.map((section) => section.needs));
  console.log('== set-up');
  const testAddon = needs.has('test-addon');
  const addon = testAddon || needs.has('addon');
  if (addon || needs.has('packages')) await setup({ addon, testAddon });
  if (chosen.some(({ name }) => /^(rust tests|specs, servers)/.test(name))) await setupServers();

  /** @type {Array<{ name: string, word: 'passed' | 'failed' | 'skipped', detail: string }>} */
  const results = [];
  for (const section of chosen) {
    console.log(`\n== ${section.name}`);
    const began = performance.now();
    const { ok, skipped, elsewhere, note } = await section.run();
    const seconds = `${((performance.now() - began) / 1000).toFixed(1)} s`;
    const isExcused = elsewhere || !CI;
    const word = skipped === undefined ? (ok ? 'passed' : 'failed') : isExcused ? 'skipped' : 'failed';
    const detail = skipped === undefined ? [note, seconds].filter(Boolean).join(', ') : `skipped: ${skipped}`;
    console.log(`-- ${section.name}: ${word} (${detail})`);
    results.push({ name: section.name, word, detail });
  }

  console.log('\n== summary');
  for (const { name, word, detail } of results) console.log(`${word.padEnd(8)}${name} (${detail})`);
  const count = (/** @type {string} */ word) => results.filter((result) => result.word === word).length;
  console.log(`${count('passed')} passed, ${count('failed')} failed, ${count('skipped')} skipped`);
  if (count('failed') > 0) process.exitCode = 1;
}

main().catch((error) => {
  console.error(error instanceof SetupError ? error.message : error);
  console.log('0 passed, 1 failed, 0 skipped');
  process.exitCode = 1;
});
