// One version: of the package and its binary at the start of an Auth, and of all files of a release.
'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { describe, it } = require('node:test');
const { ROOT, runNode } = require('./support/child.js');
const { copyPackage } = require('./support/copy.js');
const { ownDirectory } = require('./support/started.js');
const { binaryName } = require('../scripts/lib/platform.js');

const { version: VERSION } = JSON.parse(fs.readFileSync(path.join(ROOT, 'package.json'), 'utf8'));
const BINARY = path.join(ROOT, 'src', 'js', binaryName);
const OTHER = VERSION.replace(/\d+$/, (/** @type {string} */ patch) => String((Number(patch) + 1) % 10));

/**
 * Returns the output of a process that creates two Auths, one after the other.
 * @param {string} directory
 * @param {Record<string, string | undefined>} [env]
 */
async function started(directory, env = {}) {
  const script = `
    const { createAuth } = require(${JSON.stringify(directory)});
    for (let i = 0; i < 2; i++) {
      try {
        createAuth({ jwt: { secret: 's'.repeat(64) } });
        console.log('made');
      } catch (error) {
        console.log(error.name, error.code, error.message);
      }
    }`;
  const { status, signal, stdout, stderr } = await runNode(['-e', script], {
    env: { NAPI_RS_NATIVE_LIBRARY_PATH: undefined, NAPI_RS_ENFORCE_VERSION_CHECK: undefined, ...env },
  });
  assert.deepEqual([status, signal, stderr], [0, null, '']);
  const [first, second] = stdout.trim().split('\n');
  assert.equal(first, second, 'the second Auth gets the same result');
  return first;
}

/** @param {string} file @param {(json: any) => void} change */
function edit(file, change) {
  const json = JSON.parse(fs.readFileSync(file, 'utf8'));
  change(json);
  fs.writeFileSync(file, `${JSON.stringify(json, null, 2)}\n`);
}

/**
 * @param {string} told
 * @param {string} found the binary, as the message describes it
 * @param {string} [wanted] the package's version
 */
function assertRefused(told, found, wanted = VERSION) {
  assert.match(told, /^LatchgateError ERR_LATCHGATE_CONFIG latchgate is at version /);
  for (const part of [
    `at version ${wanted}, but its native binary is ${found}:`,
    `npm install latchgate@${wanted} latchgate-`,
    '`npm run build`',
  ])
    assert.ok(told.includes(part), told);
}

describe('an Auth', () => {
  it('is created if package and binary have the same version', async (t) => {
    assert.equal(await started(copyPackage(t)), 'made');
  });

  it('is refused if the package has another version', async (t) => {
    const directory = copyPackage(t);
    edit(path.join(directory, 'package.json'), (json) => {
      json.version = '99.0.0-rc.1';
    });
    assertRefused(await started(directory), `at version ${VERSION}`, '99.0.0-rc.1');
  });

  const darwin = process.platform === 'darwin' && 'a changed binary has no valid signature';
  it('is refused if the binary has another version', { skip: darwin }, async (t) => {
    const directory = copyPackage(t);
    const file = path.join(directory, 'src', 'js', binaryName);
    const binary = fs.readFileSync(BINARY);
    let places = 0;
    for (let at = binary.indexOf(VERSION); at >= 0; at = binary.indexOf(VERSION, at + 1)) {
      binary.write(OTHER, at, 'latin1');
      places++;
    }
    assert.ok(places > 0);
    fs.writeFileSync(file, binary);
    assertRefused(await started(directory), `at version ${OTHER}`);
  });

  for (const [what, text, found] of [
    ['reports another version', `{ ...real, version: () => '0.0.9' }`, 'at version 0.0.9'],
    ['is older than the version check', '{ ...real, version: undefined }', 'of an older, unnamed version'],
  ])
    it(`is refused if the loaded file ${what}, regardless of the environment`, async (t) => {
      const file = path.join(ownDirectory(t, 'test'), 'other.js');
      fs.writeFileSync(file, `const real = require(${JSON.stringify(BINARY)}); module.exports = ${text};`);
      for (const enforce of [undefined, '0', '1']) {
        const env = { NAPI_RS_NATIVE_LIBRARY_PATH: file, NAPI_RS_ENFORCE_VERSION_CHECK: enforce };
        assertRefused(await started(ROOT, env), found);
      }
    });
});

describe('check-versions', () => {
  const check = (/** @type {string[]} */ ...args) => runNode(['scripts/check-versions.js', ...args]);

  it('accepts the repository, and the files built from it', async () => {
    const { status, stderr } = await check('--built');
    assert.deepEqual([status, stderr], [0, '']);
  });

  const PLATFORM = `npm/${fs.readdirSync(path.join(ROOT, 'npm'))[0]}/package.json`;
  const bump = (/** @type {any} */ json) => {
    json.version = '0.0.9';
  };
  for (const [file, change] of /** @type {Array<[string, (file: string) => void]>} */ ([
    ['package.json', (file) => edit(file, bump)],
    ['package-lock.json', (file) => edit(file, bump)],
    [
      'package-lock.json',
      (file) =>
        edit(file, (json) => {
          json.packages[''].version = '0.0.9';
        }),
    ],
    [PLATFORM, (file) => edit(file, bump)],
    ...['Cargo.toml', 'Cargo.lock'].map((name) => [
      name,
      (/** @type {string} */ file) => {
        const text = fs.readFileSync(file, 'utf8');
        const own = new RegExp(`^(name = "latchgate"\\nversion = )"${VERSION}"`, 'm');
        assert.match(text, own);
        fs.writeFileSync(file, text.replace(own, '$1"0.0.9"'));
      },
    ]),
  ]))
    it(`detects another version in ${file}`, async (t) => {
      const root = ownDirectory(t, 'test');
      for (const name of ['package.json', 'package-lock.json', 'Cargo.toml', 'Cargo.lock'])
        fs.copyFileSync(path.join(ROOT, name), path.join(root, name));
      fs.cpSync(path.join(ROOT, 'npm'), path.join(root, 'npm'), { recursive: true });
      assert.equal((await check('--root', root)).status, 0);
      change(path.join(root, file));
      const { status, stderr } = await check('--root', root);
      assert.equal(status, 1);
      assert.match(stderr, /0\.0\.9/);
      assert.ok(stderr.includes(file), stderr);
    });
});
