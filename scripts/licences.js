// Writes docs/licences.md: the crates that latchgate is built from, with their licences, and what each is used for.
//
//   node scripts/licences.js            writes it
//   node scripts/licences.js --check    fails where it is out of date
//
// If cargo cannot fetch the crates of other platforms, or resolves them for another system than Linux, only names and versions
// are compared with Cargo.lock. It holds checksums, so a crate of a known version keeps its licence.
'use strict';

const fs = require('node:fs');
const path = require('node:path');
const { ROOT, run } = require('./lib/run.js');
const { SetupError } = require('./setup.js');

const DOCS = path.join(ROOT, 'docs', 'licences.md');

/** The uses of crates, and the edges of cargo's tree that lead to them, the most important use first. */
const USES = [
  { use: 'in the addon', edges: 'normal,no-proc-macro' },
  { use: 'to build it', edges: 'normal,build' },
  { use: 'in its tests', edges: 'normal,build,dev' },
];

/** @typedef {{ crate: string, licence: string, use: string }} Row crate: name and version */

/**
 * The crates that are reached by some edges, on any of the platforms that are built for.
 * @param {string} edges
 * @returns {Promise<Map<string, string> | undefined>} crate -> licence; undefined: cargo does not know it here
 */
async function tree(edges) {
  if (process.platform !== 'linux') return undefined;
  const { targets } = JSON.parse(fs.readFileSync(path.join(ROOT, 'package.json'), 'utf8')).napi;
  const platforms = targets.flatMap((/** @type {string} */ target) => ['--target', target]);
  const what = ['--all-features', '--edges', edges, '--prefix', 'none', '--format', '{p}\t{l}'];
  const { status, output } = await run('cargo', ['tree', '--locked', '--quiet', ...what, ...platforms], {
    quiet: true,
  });
  const lines = output.matchAll(/^(\S+) v(\S+?)(?: \(proc-macro\))?\t(.*?)(?: \(\*\))?$/gm);
  return status === 0
    ? new Map([...lines].map(([, name, version, licence = '']) => [`${name} ${version}`, licence]))
    : undefined;
}

/** @returns {Promise<Row[] | undefined>} */
async function crates() {
  /** @type {Map<string, Row>} */
  const rows = new Map();
  for (const { use, edges } of USES) {
    const found = await tree(edges);
    if (found === undefined) return undefined;
    for (const [crate, licence] of found) {
      if (licence === '') throw new SetupError(`${crate} names no licence: see its sources`);
      if (!rows.has(crate)) rows.set(crate, { crate, licence, use });
    }
  }
  return [...rows.values()];
}

/** All that Cargo.lock names; the package itself has no source. @returns {string[]} names and versions */
function locked() {
  const text = fs.readFileSync(path.join(ROOT, 'Cargo.lock'), 'utf8');
  return [...text.matchAll(/^name = "(.+)"\nversion = "(.+)"\nsource = /gm)].map(
    ([, name, version]) => `${name} ${version}`,
  );
}

/** @param {Row[]} rows */
function render(rows) {
  const sorted = rows.toSorted((a, b) => (a.crate < b.crate ? -1 : 1));
  const table = USES.flatMap(({ use }) => sorted.filter((row) => row.use === use));
  const known = new Set(rows.map(({ crate }) => crate));
  const counts = USES.map(({ use }) => `${rows.filter((row) => row.use === use).length} ${use}`);
  return `# Licences

The crates that latchgate is built from, on all platforms together: ${counts.join(', ')}. Written by
\`node scripts/licences.js\`; \`npm test\` checks that it is up to date, and \`deny.toml\` says which licences there may be.
The npm package depends on nothing else; Express is a peer.

| crate | licence | used |
|---|---|---|
${table.map(({ crate, licence, use }) => `| ${crate} | ${licence} | ${use} |`).join('\n')}

Named in \`Cargo.lock\`, and not used: ${locked()
    .filter((crate) => !known.has(crate))
    .join(', ')}.
`;
}

/** @param {string} text of the docs */
function listed(text) {
  const unused = /not used: (.*)\.\n$/.exec(text)?.[1]?.split(', ') ?? [];
  return [...[...text.matchAll(/^\| (\S+ \d\S*) \|/gm)].map(([, crate = '']) => crate), ...unused];
}

async function main() {
  const rows = await crates();
  if (!process.argv.includes('--check')) {
    if (rows === undefined)
      throw new SetupError(
        'cargo does not know the licences: on Linux, run `cargo fetch --locked` for its reason',
      );
    fs.writeFileSync(DOCS, render(rows));
    return;
  }
  const text = fs.existsSync(DOCS) ? fs.readFileSync(DOCS, 'utf8') : '';
  if (rows === undefined)
    console.log('not all crates can be asked for here: compared by name and version alone');
  const isSame =
    rows === undefined ? listed(text).sort().join() === locked().sort().join() : text === render(rows);
  if (!isSame) throw new SetupError('docs/licences.md is out of date: run `node scripts/licences.js`');
  console.log(`${locked().length} crates are listed`);
}

main().catch((error) => {
  console.error(error instanceof SetupError ? error.message : error);
  process.exitCode = 1;
});
