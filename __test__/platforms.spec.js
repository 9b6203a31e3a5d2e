// Several files list the platforms of the binaries. All lists must be equal.
'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { it } = require('node:test');
const { ROOT } = require('./support/child.js');

const NAMES = /** @type {Record<string, string>} */ ({
  x86_64: 'x64',
  aarch64: 'arm64',
  apple: 'darwin',
  pc: 'win32',
  unknown: 'linux',
});

/**
 * Converts a target triple to the name that napi-rs uses: x86_64-unknown-linux-gnu is linux-x64-gnu.
 * @param {string} triple
 */
function platformOf(triple) {
  const [arch = '', vendor = '', , abi] = triple.split('-');
  return [NAMES[vendor], NAMES[arch], abi].filter(Boolean).join('-');
}

const { targets } = JSON.parse(fs.readFileSync(path.join(ROOT, 'package.json'), 'utf8')).napi;
const platforms = targets.map(platformOf).sort();

it('each target of the build has a platform package', () => {
  assert.deepEqual(fs.readdirSync(path.join(ROOT, 'npm')).sort(), platforms);
});

it('the workflow builds and tests each target', () => {
  const workflow = fs.readFileSync(path.join(ROOT, '.github/workflows/platforms.yml'), 'utf8');
  const built = [...workflow.matchAll(/^ +- package: (\S+)$/gm)].map(([, name]) => name);
  assert.deepEqual(built.sort(), platforms);
});

it('the check of crates covers each target', () => {
  const deny = fs.readFileSync(path.join(ROOT, 'deny.toml'), 'utf8');
  const listed = /^targets = \[([^\]]*)\]/m.exec(deny)?.[1]?.match(/[\w-]+/g);
  assert.deepEqual(listed?.sort(), targets.toSorted());
});
