// npm test: runs every section, cheap ones first, and sums up.
//
//   npm test                        everything
//   npm run check                   the sections of the tier "check": formats, lints, types; under a minute
//   npm run test:fast               the tier "fast": Rust tests and specs that need no server, on one addon
//   npm run test:servers            the tier "servers"
//   npm run test:faults             the tier "faults": servers that fail
//   npm test -- --only specs        the sections whose name contains one of these words (comma separated)
//   npm test -- --list              the tiers and the names of the sections
//   npm test -- --keep-going        runs on after a red section of a cheap tier, as CI does
//
// A red section of the tiers "check" and "fast" stops the run.
// The name of a spec says on which addon it runs:
//   *.spec.js                            the release addon, store memory:
//   *.race.spec.js *.middleware.spec.js  the release addon, and again on the test addon with
//                                        LATCHGATE_TEST_STORE=test-deferred: (completes late and out of order)
//   *.lab.spec.js                        the test addon only (settable clock, dumps, racy store)
// `npm run test:fast` runs the first group on the test addon, which builds in a fraction of the time.
// Specs in __test__/redis start real servers. So does the conformance suite in Rust, in a section of its own.
// redis-server, valkey-server, nginx and libfaketime are installed with apt-get if they are absent.
// NAPI_RS_NATIVE_LIBRARY_PATH selects the test addon: the generated loader reads it. On the release addon it is unset.
// LATCHGATE_VECTORS, a directory of published vectors and token corpora, is passed through.
// Type tests are the tsconfig*.json files in __test__/types.
//
// A section that cannot run prints its reason. With CI=true a skipped section or spec is a failure.
'use strict';

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { list } = require('./lib/files.js');
const { ROOT, run } = require('./lib/run.js');
const { setupServers } = require('./lib/servers.js');
const { SetupError, TEST_ADDON, setup } = require('./setup.js');

const CI = process.env.CI !== undefined && !['', '0', 'false'].includes(process.env.CI);
/** Files side by side. Specs mostly wait, for timers and for the processes that they start. */
const SPEC_CONCURRENCY = 2 * os.availableParallelism();
/** Files of servers that fail: their deadlines pass while the processes of other files run. */
const FALL_CONCURRENCY = os.availableParallelism();
/** Milliseconds; a file that hangs must not hang the run. */
const FILE_TIMEOUT = 600_000;

/** @typedef {{ ok: boolean, skipped?: string, elsewhere?: boolean, note?: string }} Outcome skipped: the reason; elsewhere: CI runs it in another job */
/** @typedef {'check' | 'fast' | 'product' | 'servers' | 'faults'} Tier */
/** @typedef {{ name: string, tier: Tier, needs?: 'packages' | 'addon' | 'test-addon', servers?: boolean, run: () => Promise<Outcome> }} Section */

/** @param {string[]} args */
const cargo = (...args) => cargoWith({}, ...args);

/** @param {NodeJS.ProcessEnv} env @param {string[]} args @returns {Promise<Outcome>} */
async function cargoWith(env, ...args) {
  const { status, output } = await run('cargo', args, { env });
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

/** Specs of the package as it is installed: they pack, install and start apps, which takes long. */
const isProduct = (/** @type {string} */ file) =>
  /\/(audit|demo|examples|examples-[a-z]+|pack|readme|recipes|process|start|platforms|environment)\.spec\.js$/.test(
    file,
  );
const isPlain = (/** @type {string} */ file) => !isLab(file) && !isServer(file);
const PROFILE = ['--profile', 'dev-addon'];
const TEST_STORES = ['--locked', ...PROFILE, '--no-default-features', '--features', 'test-stores'];

/** @type {Section[]} */
const CHECKS = [
  { name: 'rust format', tier: 'check', run: () => cargo('fmt', '--check') },
  {
    name: 'rust format, fuzz targets',
    tier: 'check',
    run: () => cargo('fmt', '--check', '--manifest-path', '__test__/fuzz/Cargo.toml'),
  },
  { name: 'licences', tier: 'check', run: () => node('scripts/licences.js', '--check') },
  { name: 'cargo deny', tier: 'check', run: deny },
  {
    name: 'check comments only, self-test',
    tier: 'check',
    run: () => node('scripts/check-comments-only.js', '--self-test'),
  },
  ...['imports', 'guards', 'codes', 'words', 'versions', 'supply'].flatMap((name) => {
    const script = `scripts/check-${name}.js`;
    /** @type {Section} */
    const check = { name: `check ${name}`, tier: 'check', run: () => node(script) };
    /** @type {Section} */
    const selfTest = {
      name: `check ${name}, self-test`,
      tier: 'check',
      run: () => node(script, '--self-test'),
    };
    return name === 'versions' ? [check] : [selfTest, check];
  }),
  {
    name: 'lint',
    tier: 'check',
    needs: 'packages',
    run: () => tool('@biomejs/biome/bin/biome', 'check', '--error-on-warnings'),
  },
  {
    name: 'typecheck',
    tier: 'check',
    needs: 'test-addon',
    run: () => tool('typescript/bin/tsc', '-p', 'tsconfig.json'),
  },
  { name: 'type test', tier: 'check', needs: 'packages', run: typeTest },
  {
    // All features: this compiles every line. Without the feature "binding" the same lines compile in the Rust tests.
    name: 'rust clippy',
    tier: 'check',
    run: () =>
      cargo('clippy', '--locked', ...PROFILE, '--all-targets', '--all-features', '--', '-D', 'warnings'),
  },
];

/** @type {Section[]} */
const FAST = [
  {
    name: 'rust tests',
    tier: 'fast',
    run: () => cargoWith({ LATCHGATE_CONFORMANCE: 'embedded' }, 'test', ...TEST_STORES),
  },
  {
    name: 'specs, deferred store',
    tier: 'fast',
    needs: 'test-addon',
    run: () => specs(isBoth, { ...onTestAddon, LATCHGATE_TEST_STORE: 'test-deferred:' }),
  },
  { name: 'specs, lab', tier: 'fast', needs: 'test-addon', run: () => specs(isLab, onTestAddon) },
];

/** What `npm run test:fast` runs in place of "specs, release". @type {Section} */
const FAST_SPECS = {
  name: 'specs, test addon',
  tier: 'fast',
  needs: 'test-addon',
  run: () => specs((file) => isPlain(file) && !isProduct(file), onTestAddon),
};

/** @type {Section[]} */
const SECTIONS = [
  ...CHECKS,
  ...FAST,
  {
    name: 'rust build, default features',
    tier: 'product',
    run: () => cargo('check', '--locked', ...PROFILE, '--all-targets'),
  },
  { name: 'specs, release', tier: 'product', needs: 'addon', run: () => specs(isPlain, onRelease) },
  {
    name: 'specs, servers',
    tier: 'servers',
    needs: 'addon',
    servers: true,
    run: () => specs((file) => isServer(file) && !isFall(file), onRelease),
  },
  {
    name: 'rust tests, servers',
    tier: 'servers',
    servers: true,
    run: () =>
      cargoWith({ LATCHGATE_CONFORMANCE: 'servers' }, 'test', ...TEST_STORES, '--test', 'conformance'),
  },
  {
    name: 'specs, servers that fall',
    tier: 'faults',
    needs: 'addon',
    servers: true,
    run: () => specs((file) => isServer(file) && isFall(file), onRelease, FALL_CONCURRENCY),
  },
  { name: 'fuzz', tier: 'faults', run: fuzz },
];

/** @param {string[]} args @param {string} option @returns {string[] | undefined} its words */
function wordsOf(args, option) {
  const at = args.findIndex((arg) => arg === option || arg.startsWith(`${option}=`));
  if (at < 0) return undefined;
  return (args[at]?.split('=')[1] ?? args[at + 1] ?? '').split(',').filter(Boolean);
}

/** @param {string[]} args @returns {Section[]} */
function choose(args) {
  const tiers = wordsOf(args, '--tier');
  const words = wordsOf(args, '--only');
  let chosen = tiers === undefined ? SECTIONS : SECTIONS.filter(({ tier }) => tiers.includes(tier));
  if (tiers?.includes('fast')) chosen = [...chosen, FAST_SPECS];
  if (words !== undefined) chosen = chosen.filter(({ name }) => words.some((word) => name.includes(word)));
  if (chosen.length === 0) throw new SetupError(`${args.join(' ')} names no section; see npm test -- --list`);
  return chosen;
}

/** A red section of a cheap tier ends the run. @param {Section} section @param {boolean} keepGoing */
const stopsTheRun = (section, keepGoing) =>
  !keepGoing && (section.tier === 'check' || section.tier === 'fast');

async function main() {
  const args = process.argv.slice(2);
  if (args.includes('--list')) {
    for (const { tier, name } of SECTIONS) console.log(`${tier.padEnd(9)}${name}`);
    return;
  }
  const chosen = choose(args);
  const keepGoing = args.includes('--keep-going');

  /** @type {Array<{ name: string, word: 'passed' | 'failed' | 'skipped', detail: string }>} */
  const results = [];
  const start = performance.now();
  for (const section of chosen) {
    console.log(`\n== ${section.name}`);
    const began = performance.now();
    if (section.needs !== undefined)
      await setup({ addon: section.needs === 'addon', testAddon: section.needs === 'test-addon' });
    if (section.servers) await setupServers();
    const { ok, skipped, elsewhere, note } = await section.run();
    const seconds = `${((performance.now() - began) / 1000).toFixed(1)} s`;
    const isExcused = elsewhere || !CI;
    const word = skipped === undefined ? (ok ? 'passed' : 'failed') : isExcused ? 'skipped' : 'failed';
    const detail = skipped === undefined ? [note, seconds].filter(Boolean).join(', ') : `skipped: ${skipped}`;
    console.log(`-- ${section.name}: ${word} (${detail})`);
    results.push({ name: section.name, word, detail });
    if (word === 'failed' && stopsTheRun(section, keepGoing)) {
      console.log(`\nstopped: ${section.name} failed (--keep-going runs the other sections)`);
      break;
    }
  }

  console.log('\n== summary');
  for (const { name, word, detail } of results) console.log(`${word.padEnd(8)}${name} (${detail})`);
  console.log(`total time: ${Math.round((performance.now() - start) / 1000)} s`);
  const count = (/** @type {string} */ word) => results.filter((result) => result.word === word).length;
  console.log(`${count('passed')} passed, ${count('failed')} failed, ${count('skipped')} skipped`);
  if (count('failed') > 0) process.exitCode = 1;
}

main().catch((error) => {
  console.error(error instanceof SetupError ? error.message : error);
  console.log('0 passed, 1 failed, 0 skipped');
  process.exitCode = 1;
});
