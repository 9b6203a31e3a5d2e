'use strict';
// The licence texts of the crates that are linked into the addon: a distributor of the binary must distribute them too.

const fs = require('node:fs');
const path = require('node:path');
const { ROOT, run } = require('./run.js');

const IS_LICENCE = /^(licen[cs]e|copying|copyright|notice|unlicense)/i;
const RULE = '='.repeat(80);

/** @param {string[]} args @returns {Promise<string>} what cargo printed */
async function cargo(...args) {
  const { status, output } = await run('cargo', args, { quiet: true });
  if (status !== 0) throw new Error(`cargo ${args[0]} failed:\n${output}`);
  return output;
}

/** Returns the folders of the sources of every crate. @returns {Promise<Map<string, string>>} name and version -> directory */
async function sources() {
  const output = await cargo('metadata', '--locked', '--format-version', '1', '--quiet');
  /** @type {{ packages: Array<{ name: string, version: string, manifest_path: string }> }} */
  const { packages } = JSON.parse(output.slice(output.indexOf('{'), output.lastIndexOf('}') + 1));
  return new Map(
    packages.map(({ name, version, manifest_path: manifest }) => [
      `${name} ${version}`,
      path.dirname(manifest),
    ]),
  );
}

/** Returns the crates that are linked into the addon on this platform. @returns {Promise<string[]>} names and versions */
async function linked() {
  const what = ['--edges', 'normal,no-proc-macro', '--prefix', 'none', '--format', '{p}'];
  const output = await cargo('tree', '--locked', '--quiet', ...what);
  const crates = [...output.matchAll(/^(\S+) v(\S+)/gm)].map(([, name, version]) => `${name} ${version}`);
  return [...new Set(crates)].filter((crate) => !crate.startsWith('latchgate ')).sort();
}

/** @param {string} directory @returns {string[]} */
function texts(directory) {
  const names = fs.readdirSync(directory).filter((name) => IS_LICENCE.test(name));
  return names
    .map((name) => path.join(directory, name))
    .filter((file) => fs.statSync(file).isFile())
    .map((file) => fs.readFileSync(file, 'utf8').trim());
}

/** @returns {Promise<string>} */
async function notices() {
  const { license } = JSON.parse(fs.readFileSync(path.join(ROOT, 'package.json'), 'utf8'));
  const [directories, crates] = await Promise.all([sources(), linked()]);
  /** Many crates share a text to the letter. @type {Map<string, string[]>} */
  const byText = new Map();
  for (const crate of crates) {
    const directory = directories.get(crate);
    const found = directory === undefined ? [] : texts(directory);
    const all = found.length > 0 ? found : ['No text of its own: see docs/licences.md for its licence.'];
    for (const text of all) byText.set(text, [...(byText.get(text) ?? []), crate]);
  }
  const parts = [...byText].map(([text, users]) => `${RULE}\n${users.join(', ')}\n${RULE}\n\n${text}\n`);
  return `latchgate (${license}) is linked with ${crates.length} crates. Their licences:\n\n${parts.join('\n')}`;
}

module.exports = { notices };
