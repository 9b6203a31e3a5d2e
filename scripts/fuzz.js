// Runs the fuzz targets of __test__/fuzz, each for a bounded time from the corpus there and from what earlier runs found
// (target/fuzz). Installs nothing: they are built with the stable Rust that builds the addon, and libFuzzer comes as a crate.
//
//   node scripts/fuzz.js                              all of them, a minute each
//   node scripts/fuzz.js --seconds 300 resp urls      these, five minutes each
//
// An input that breaks a property is kept in target/fuzz/artifacts, and the command that repeats it is printed. Exit status 3:
// something is absent here.
'use strict';

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { list } = require('./lib/files.js');
const { ROOT, run } = require('./lib/run.js');

const CRATE = '__test__/fuzz';
const TARGETS = list(ROOT, `${CRATE}/targets`, ['.rs']).map((file) => path.basename(file, '.rs'));
const OUT = path.join(ROOT, 'target', 'fuzz');
const SECONDS = 60;

/** As cargo-fuzz has it, without a sanitizer: that needs a nightly Rust, and nothing here is unsafe. */
const FLAGS = [
  '--cfg fuzzing',
  '-Cpasses=sancov-module',
  '-Cllvm-args=-sanitizer-coverage-level=4',
  '-Cllvm-args=-sanitizer-coverage-inline-8bit-counters',
  '-Cllvm-args=-sanitizer-coverage-pc-table',
  '-Cllvm-args=-sanitizer-coverage-trace-compares',
  '-Cllvm-args=-simplifycfg-branch-fold-threshold=0',
  '-Ccodegen-units=1',
].join(' ');

/** The exit status where something is absent. */
const ABSENT = 3;

/** It cannot be run; the message is one line that names the cure. */
class FuzzError extends Error {
  /** @param {string} message @param {number} [status] */
  constructor(message, status = 1) {
    super(message);
    this.status = status;
  }
}

/** @returns {Promise<string>} the directory of the built targets */
async function build() {
  if (process.platform === 'win32')
    throw new FuzzError('libFuzzer needs Linux or macOS: run this there', ABSENT);
  const { status, output } = await run('rustc', ['-vV'], { quiet: true });
  const host = /^host: (\S+)$/m.exec(output)?.[1];
  if (status !== 0 || host === undefined)
    throw new FuzzError(
      'Rust was not found: install it from https://rustup.rs, then open a new shell',
      ABSENT,
    );
  const compiler = process.env.CXX ?? 'c++';
  if ((await run(compiler, ['--version'], { quiet: true })).status !== 0)
    throw new FuzzError(
      `${compiler} was not found: install a C++ compiler (Debian: apt-get install g++)`,
      ABSENT,
    );
  // A target is named so that what runs while building, scripts and macros, is built without these flags.
  const args = ['--manifest-path', path.join(ROOT, CRATE, 'Cargo.toml'), '--target', host, '--quiet'];
  const env = { RUSTFLAGS: FLAGS, CARGO_TARGET_DIR: OUT, CARGO_INCREMENTAL: '0' };
  const built = await run('cargo', ['build', '--locked', '--release', '--bins', ...args], { env });
  if (built.status !== 0)
    throw new FuzzError('the fuzz targets could not be built: see above for the reason');
  return path.join(OUT, host, 'release');
}

/** @param {string} target */
function directories(target) {
  const [grown, artifacts] = ['corpus', 'artifacts'].map((name) => path.join(OUT, name, target));
  const seeds = path.join(ROOT, CRATE, 'corpus', target);
  for (const directory of [grown, artifacts, seeds])
    fs.mkdirSync(/** @type {string} */ (directory), { recursive: true });
  return { grown: String(grown), artifacts: `${artifacts}${path.sep}`, seeds };
}

/** @param {string} output @param {string} name */
const figure = (output, name) => Number(new RegExp(`^stat::${name}:\\s+(\\d+)`, 'm').exec(output)?.[1] ?? 0);

/** @param {string} binaries @param {string} target @param {number} seconds @returns {Promise<boolean>} */
async function fuzz(binaries, target, seconds) {
  const { grown, artifacts, seeds } = directories(target);
  const binary = path.join(binaries, target);
  const { status, output } = await run(
    binary,
    [
      `-max_total_time=${seconds}`,
      `-artifact_prefix=${artifacts}`,
      '-max_len=4096',
      '-timeout=10',
      '-rss_limit_mb=2048',
      '-print_final_stats=1',
      grown,
      seeds,
    ],
    { quiet: true, env: { RUST_BACKTRACE: '0' } },
  );
  const count = figure(output, 'number_of_executed_units');
  const ok = status === 0 && count > fs.readdirSync(seeds).length;
  if (!ok) {
    const artifact = /Test unit written to (\S+)/.exec(output)?.[1];
    const said = output.split('\n').filter((line) => !/^(?:#\d|\tNEW_FUNC|INFO|WARNING|stat::)/.test(line));
    console.log(said.slice(-40).join('\n'));
    console.log(artifact ? `to repeat: ${binary} ${artifact}` : `${target} did not run`);
  }
  const coverage = [...output.matchAll(/ cov: (\d+) /g)].at(-1)?.[1] ?? '0';
  console.log(`${target}: ${ok ? 'holds' : 'FAILED'}, ${count} inputs in ${seconds} s, ${coverage} branches`);
  return ok;
}

/** @param {string[]} args */
function read(args) {
  const chosen = [];
  let seconds = SECONDS;
  for (let at = 0; at < args.length; at++) {
    const arg = String(args[at]);
    if (arg === '--seconds') seconds = Number(args[++at]);
    else if (TARGETS.includes(arg)) chosen.push(arg);
    else throw new FuzzError(`${arg} is no target: there are ${TARGETS.join(', ')}`);
  }
  if (!Number.isSafeInteger(seconds) || seconds < 1)
    throw new FuzzError('--seconds takes a whole number of seconds, 1 at least');
  return { targets: chosen.length > 0 ? chosen : TARGETS, seconds };
}

async function main() {
  const { targets, seconds } = read(process.argv.slice(2));
  console.log('building the fuzz targets (cargo; some minutes the first time)');
  const binaries = await build();
  const waiting = [...targets];
  let failed = 0;
  const worker = async () => {
    for (let target = waiting.shift(); target !== undefined; target = waiting.shift())
      if (!(await fuzz(binaries, target, seconds))) failed++;
  };
  await Promise.all(Array.from({ length: Math.min(4, os.availableParallelism()) }, worker));
  if (failed > 0) process.exitCode = 1;
}

main().catch((error) => {
  console.error(error instanceof FuzzError ? error.message : error);
  process.exitCode = error instanceof FuzzError ? error.status : 1;
});
