// npm test: runs every section, cheap ones first, and sums up.
//
//   npm test                        everything
//   npm run check                   the sections of the tier "check": formats, lints, types; under a minute
//   npm run test:fast               the tier "fast": Rust tests and specs that need no server, on one addon
//   npm run test:servers            the tier "servers"
//   npm run test:package            the tier "package": the release addon, packing and the examples
//   npm run test:faults             the tier "faults": servers that fail
//   npm test -- --only specs        the sections whose name contains one of these words (comma separated)
//   npm test -- --list              the tiers and the names of the sections
//   npm test -- --keep-going        runs on after a red section of a cheap tier, as CI does
//
// A red section of the tiers "check" and "fast" stops the run.
// `npm run test:fast` runs specs on the test addon that `npm test` runs on the release addon: it builds faster.
// Specs in __test__/redis start real servers. So does the conformance suite in Rust, in a section of its own.
// redis-server, valkey-server, nginx and libfaketime are installed with apt-get if they are absent.
// NAPI_RS_NATIVE_LIBRARY_PATH selects the test addon: the generated loader reads it. On the release addon it is unset.
// LATCHGATE_VECTORS, a directory of published vectors and token corpora, is passed through.
// Type tests are the tsconfig*.json files in __test__/types.
//
// A section that cannot run prints its reason. With CI=true a skipped section or spec is a failure.
'use strict';

const { CI, FAST_SPECS, SECTIONS } = require('./lib/sections.js');
const { setupServers } = require('./lib/servers.js');
const { SetupError, setup } = require('./setup.js');

/** @typedef {import('./lib/sections.js').Section} Section */

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

/** @typedef {{ name: string, word: 'passed' | 'failed' | 'skipped', detail: string, executed?: import('./lib/sections.js').Executed }} Result */

/** @param {Section} section @returns {Promise<Result>} */
async function runSection({ name, needs, servers, run }) {
  console.log(`\n== ${name}`);
  const began = performance.now();
  if (needs !== undefined) await setup({ addon: needs === 'addon', testAddon: needs === 'test-addon' });
  if (servers) await setupServers();
  const { ok, skipped, elsewhere, note, executed } = await run();
  const seconds = `${((performance.now() - began) / 1000).toFixed(1)} s`;
  const isExcused = elsewhere || !CI;
  const word = skipped === undefined ? (ok ? 'passed' : 'failed') : isExcused ? 'skipped' : 'failed';
  const detail = skipped === undefined ? [note, seconds].filter(Boolean).join(', ') : `skipped: ${skipped}`;
  console.log(`-- ${name}: ${word} (${detail})`);
  return { name, word, detail, executed };
}

/** @param {Result[]} results @param {number} seconds */
function summarize(results, seconds) {
  console.log('\n== summary');
  for (const { name, word, detail } of results) console.log(`${word.padEnd(8)}${name} (${detail})`);
  let tests = 0;
  let assertions = 0;
  for (const { executed } of results) {
    tests += executed?.tests ?? 0;
    assertions += executed?.assertions ?? 0;
  }
  console.log(`executed: ${tests} tests, ${assertions} assertions in Node specs`);
  console.log(`total time: ${Math.round(seconds)} s`);
  const count = (/** @type {string} */ word) => results.filter((result) => result.word === word).length;
  console.log(`${count('passed')} passed, ${count('failed')} failed, ${count('skipped')} skipped`);
  if (count('failed') > 0) process.exitCode = 1;
}

async function main() {
  const args = process.argv.slice(2);
  if (args.includes('--list')) {
    for (const { tier, name } of SECTIONS) console.log(`${tier.padEnd(9)}${name}`);
    return;
  }
  const chosen = choose(args);
  const keepGoing = args.includes('--keep-going');

  /** @type {Result[]} */
  const results = [];
  const start = performance.now();
  for (const section of chosen) {
    const result = await runSection(section);
    results.push(result);
    if (result.word === 'failed' && stopsTheRun(section, keepGoing)) {
      console.log(`\nstopped: ${section.name} failed (--keep-going runs the other sections)`);
      break;
    }
  }
  summarize(results, (performance.now() - start) / 1000);
}

main().catch((error) => {
  console.error(error instanceof SetupError ? error.message : error);
  console.log('0 passed, 1 failed, 0 skipped');
  process.exitCode = 1;
});
