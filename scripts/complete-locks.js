// Completes the package locks: npm leaves out packages of other platforms, or their integrity, where it did not install
// them. Asks the public registry for exactly what the lock names, adds it, and changes no entry that is there already.
//
//   node scripts/complete-locks.js      needs the network
'use strict';

const fs = require('node:fs');
const path = require('node:path');
const { npm, ROOT } = require('./lib/run.js');
const { LOCKS } = require('./lib/locks.js');

const REGISTRY = 'https://registry.npmjs.org/';
/** @typedef {import('./lib/locks.js').Entry} Entry */

/** @param {string} name @param {string} version */
async function integrityOf(name, version) {
  const spec = `${name}@${version}`;
  const { status, output } = await npm(['view', spec, 'dist.integrity', '--json', '--registry', REGISTRY], {
    quiet: true,
  });
  if (status !== 0) throw new Error(`npm view ${spec} failed:\n${output}`);
  const integrity = JSON.parse(output);
  if (!/^sha512-/.test(integrity)) throw new Error(`the registry has no SHA-512 of ${spec}`);
  return integrity;
}

/** @param {string} file */
async function complete(file) {
  const lock = JSON.parse(fs.readFileSync(path.join(ROOT, file), 'utf8'));
  /** @type {Record<string, Entry>} */
  const packages = lock.packages;
  let changes = 0;
  for (const [place, entry] of Object.entries(packages)) {
    if (place === '' || entry.link || entry.integrity || !entry.version) continue;
    const { version, ...rest } = entry;
    const name = entry.name ?? place.replace(/^.*node_modules\//, '');
    packages[place] = { version, integrity: await integrityOf(name, version), ...rest };
    changes++;
  }
  if (changes > 0) fs.writeFileSync(path.join(ROOT, file), `${JSON.stringify(lock, null, 2)}\n`);
  console.log(`${file}: ${changes} entries completed`);
}

async function main() {
  for (const file of LOCKS) await complete(file);
}

main().catch((error) => {
  console.error(error.message);
  process.exitCode = 1;
});
