// The sections of npm test: the commands of each, and its needs before it starts. Arguments and summaries are in test.js.
'use strict';

const os = require('node:os');
const path = require('node:path');
const { list } = require('./files.js');
const { TEST_ADDON } = require('./platform.js');
const { ROOT, run } = require('./run.js');
const { isBoth, isFault, isLab, isPackage, isPlain, isServer, runSpecs } = require('./specs.js');

const CI = process.env.CI !== undefined && !['', '0', 'false'].includes(process.env.CI);
/** Files side by side. Specs mostly wait, for timers and for the processes that they start. */
const SPEC_CONCURRENCY = 2 * os.availableParallelism();
/** Files of servers that fail: their deadlines pass while the processes of other files run. */
const FAULT_CONCURRENCY = os.availableParallelism();
/** How many of the slowest files a section prints. */
const SLOWEST = 5;

/** @typedef {{ tests: number, assertions?: number }} Executed assertions: of Node specs only */
/** @typedef {{ ok: boolean, skipped?: string, elsewhere?: boolean, note?: string, executed?: Executed }} Outcome skipped: the reason; elsewhere: CI runs it in another job */
/** @typedef {'check' | 'fast' | 'package' | 'servers' | 'faults'} Tier */
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
  if (args[0] !== 'test') return { ok: status === 0 };
  let tests = 0;
  let ignored = 0;
  for (const match of output.matchAll(/(\d+) passed; \d+ failed; (\d+) ignored/g)) {
    tests += Number(match[1]);
    ignored += Number(match[2]);
  }
  return {
    ok: status === 0 && !(CI && ignored > 0),
    note: `${tests} tests, ${ignored} ignored`,
    executed: { tests },
  };
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

/** @returns {Promise<Outcome>} */
async function fuzz() {
  const { status, output } = await run(process.execPath, ['scripts/fuzz.js', '--seconds', CI ? '20' : '5']);
  if (status === 3) return { ok: true, skipped: output.trim().split('\n').at(-1) };
  return { ok: status === 0, note: `${output.match(/: holds, /g)?.length ?? 0} targets` };
}

/** @param {string[]} args @returns {Promise<Outcome>} */
const node = async (...args) => ({ ok: (await run(process.execPath, args)).status === 0 });

/** A tool out of node_modules, started without a shell. @param {string} script @param {string[]} args */
const tool = (script, ...args) => node(path.join(ROOT, 'node_modules', script), ...args);

/** @returns {Promise<Outcome>} */
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
 * @param {import('./specs.js').Wanted} wanted
 * @param {NodeJS.ProcessEnv} env
 * @param {number} [concurrency]
 * @returns {Promise<Outcome>}
 */
async function specs(wanted, env, concurrency = SPEC_CONCURRENCY) {
  const { ok, files, assertions, counts } = await runSpecs(wanted, { env, concurrency });
  if (files === 0) return { ok: true, skipped: 'no spec files' };
  if (counts === undefined) return { ok: false, note: 'node --test did not start' };
  const { passed, failed, skipped } = counts;
  for (const { name, reason } of skipped) console.log(`skipped: ${name} (${reason})`);
  const slowest = counts.files.slice(0, SLOWEST).filter(({ seconds }) => seconds >= 1);
  if (slowest.length > 0) {
    const named = slowest.map(({ file, seconds }) => `${path.basename(file)} ${seconds.toFixed(1)} s`);
    console.log(`slowest: ${named.join(', ')}`);
  }
  return {
    ok: ok && !(CI && skipped.length > 0),
    note: `${files} files: ${passed} passed, ${failed} failed, ${skipped.length} skipped, ${assertions} assertions`,
    executed: { tests: passed + failed, assertions },
  };
}

const onRelease = { NAPI_RS_NATIVE_LIBRARY_PATH: undefined, LATCHGATE_TEST_STORE: undefined };
const onTestAddon = { ...onRelease, NAPI_RS_NATIVE_LIBRARY_PATH: TEST_ADDON };

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

/** `npm run test:fast` runs it in place of "specs, release". @type {Section} */
const FAST_SPECS = {
  name: 'specs, test addon',
  tier: 'fast',
  needs: 'test-addon',
  run: () => specs((file) => isPlain(file) && !isPackage(file), onTestAddon),
};

/** @type {Section[]} */
const SECTIONS = [
  ...CHECKS,
  ...FAST,
  {
    name: 'rust build, default features',
    tier: 'package',
    run: () => cargo('check', '--locked', ...PROFILE, '--all-targets'),
  },
  { name: 'specs, release', tier: 'package', needs: 'addon', run: () => specs(isPlain, onRelease) },
  { name: 'lint, Lua', tier: 'servers', servers: true, run: () => node('scripts/lint-lua.js') },
  {
    name: 'specs, servers',
    tier: 'servers',
    needs: 'addon',
    servers: true,
    run: () => specs((file) => isServer(file) && !isFault(file), onRelease),
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
    run: () => specs(isFault, onRelease, FAULT_CONCURRENCY),
  },
  { name: 'fuzz', tier: 'faults', run: fuzz },
];

module.exports = { CI, FAST_SPECS, SECTIONS };
