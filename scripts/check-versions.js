// Holds the versions equal that a release names in several places: package.json is what the others are compared with.
//
//   node scripts/check-versions.js [--root DIR] [--built]      --built: the addon and its loader too, as built
'use strict';

const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { parseArgs } = require('node:util');
const { binaryName } = require('./lib/platform.js');

const LOADER = 'src/js/binding.js';

/**
 * The versions that a release names, by their place.
 * @param {string} root
 * @param {{ built?: boolean }} [options]
 * @returns {Array<[string, string | undefined]>}
 */
function versions(root, { built = false } = {}) {
  const read = (/** @type {string} */ file) => fs.readFileSync(path.join(root, file), 'utf8');
  const json = (/** @type {string} */ file) => JSON.parse(read(file));
  const lock = json('package-lock.json');
  /** @type {Array<[string, string | undefined]>} */
  const found = [
    ['package.json', json('package.json').version],
    ['package-lock.json', lock.version],
    ['package-lock.json, packages[""]', lock.packages?.['']?.version],
    ['Cargo.toml', /^\[package\](?:\n(?!\[).*)*?\nversion = "([^"]+)"/m.exec(read('Cargo.toml'))?.[1]],
    ['Cargo.lock', /^name = "latchgate"\nversion = "([^"]+)"/m.exec(read('Cargo.lock'))?.[1]],
  ];
  for (const directory of fs.readdirSync(path.join(root, 'npm')).sort()) {
    const file = `npm/${directory}/package.json`;
    found.push([file, json(file).version]);
  }
  if (!built) return found;
  for (const [, version] of read(LOADER).matchAll(/bindingPackageVersion !== '([^']*)'/g))
    found.push([LOADER, version]);
  found.push([`src/js/${binaryName}`, builtVersion(path.join(root, 'src', 'js', binaryName))]);
  return found;
}

/** Asked in another process: a binary that is loaded cannot be replaced on every platform. @param {string} binary */
function builtVersion(binary) {
  const script = 'process.stdout.write(String(require(process.argv[1]).version?.()))';
  return execFileSync(process.execPath, ['-e', script, binary], { encoding: 'utf8' });
}

/**
 * @param {string} root
 * @param {{ built?: boolean }} [options]
 * @returns {string[]} one line for each place that says something else than package.json
 */
function disagreements(root, options) {
  const [[, wanted], ...others] = versions(root, options);
  const wrong = others.filter(([, version]) => version !== wanted);
  return [
    ...new Set(wrong.map(([place, version]) => `${place} is at ${version}, package.json at ${wanted}`)),
  ];
}

if (require.main === module) {
  const { values } = parseArgs({
    options: { root: { type: 'string', default: path.join(__dirname, '..') }, built: { type: 'boolean' } },
  });
  const wrong = disagreements(values.root, { built: values.built });
  for (const line of wrong) console.error(line);
  if (wrong.length > 0) process.exitCode = 1;
  else console.log(`${versions(values.root, { built: values.built }).length} places name one version`);
}

module.exports = { disagreements };
