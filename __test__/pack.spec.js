// The packed package in apps that have only Node: CommonJS, ES modules and TypeScript.
'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { after, before, describe, it } = require('node:test');
const { ROOT, runNode } = require('./support/child.js');
const { npm } = require('../scripts/lib/run.js');
const { platformName } = require('../scripts/lib/platform.js');

const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'latchgate-pack-spec-'));
after(() => fs.rmSync(directory, { recursive: true, force: true }));

/** A PATH without any program, so that cargo and compilers are absent. */
const NOWHERE = { PATH: path.join(directory, 'empty'), NAPI_RS_NATIVE_LIBRARY_PATH: undefined };

/** @type {{ main: string, platform: string }} */
let tarballs;

before(async () => {
  const packed = await runNode(['scripts/pack.js', '--out', path.join(directory, 'dist')], {
    deadline: 600_000,
  });
  assert.equal(packed.status, 0, packed.stderr);
  tarballs = JSON.parse(packed.stdout);
});

/**
 * Creates an app with Express and these tarballs installed.
 * @param {string} name
 * @param {string[]} packages
 * @param {Record<string, string>} files
 * @returns {Promise<string>} its directory
 */
async function app(name, packages, files) {
  const home = path.join(directory, name);
  fs.mkdirSync(home);
  for (const [file, text] of Object.entries({ 'package.json': '{"private":true}', ...files })) {
    fs.writeFileSync(path.join(home, file), text);
  }
  // The installation downloads nothing: packages of other platforms are optional, and the repository supplies
  // Express.
  const args = ['install', '--offline', '--no-audit', '--no-fund', '--legacy-peer-deps', ...packages];
  const { status, output } = await npm(args, { cwd: home, quiet: true });
  assert.equal(status, 0, output);
  const modules = path.join(home, 'node_modules');
  for (const lent of ['express', '@types']) {
    fs.symlinkSync(path.join(ROOT, 'node_modules', lent), path.join(modules, lent), 'junction');
  }
  return home;
}

/** The common part of all apps: protects a route, and sends a request. */
const BODY = `
const auth = authMiddleware({ jwt: { secret: 's'.repeat(32) }, sessions: { limit: 1 } });
const app = express();
app.use(auth);
app.get('/', (req, res) => { res.json({ user: req.auth?.userId }); });
const server = app.listen(0, '127.0.0.1', async () => {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const ask = async (headers: Record<string, string>) => {
    const answer = await fetch('http://127.0.0.1:' + address.port, { headers: { ...headers, connection: 'close' } });
    return answer.status + ' ' + await answer.text();
  };
  const tokens = [await auth.auth.tokens.issue('mia', { sessionId: 'a' }), await auth.auth.tokens.issue('mia', { sessionId: 'b' })];
  console.log(await ask({}));
  for (const token of tokens) console.log(await ask({ authorization: 'Bearer ' + token }));
  server.close();
});
`;
const PLAIN = BODY.replace(': Record<string, string>', '');
const SEEN = '401 {"error":"credentials_required"}\n200 {"user":"mia"}\n403 {"error":"session_limit"}\n';

describe('both tarballs, installed into an empty app, work without Rust', () => {
  it('by require()', async () => {
    const text = `const express = require('express');\nconst { authMiddleware } = require('latchgate');\n${PLAIN}`;
    const home = await app('cjs', Object.values(tarballs), { 'app.js': text });
    const { status, stdout, stderr } = await runNode(['app.js'], { cwd: home, env: NOWHERE });
    assert.deepEqual([status, stdout, stderr], [0, SEEN, '']);
  });

  it('by import', async () => {
    const text = `import express from 'express';\nimport { LatchgateError, authMiddleware, createAuth } from 'latchgate';\n${PLAIN}\nif (!LatchgateError || !createAuth) throw new Error();`;
    const home = await app('esm', Object.values(tarballs), { 'app.mjs': text });
    const { status, stdout, stderr } = await runNode(['app.mjs'], { cwd: home, env: NOWHERE });
    assert.deepEqual([status, stdout, stderr], [0, SEEN, '']);
  });

  for (const type of ['commonjs', 'module']) {
    it(`by strict TypeScript, compiled to ${type}`, async () => {
      const options = {
        strict: true,
        module: 'nodenext',
        target: 'es2023',
        types: ['node'],
        esModuleInterop: true,
        skipLibCheck: false,
      };
      const home = await app(`ts-${type}`, Object.values(tarballs), {
        'package.json': JSON.stringify({ private: true, type }),
        'tsconfig.json': JSON.stringify({ compilerOptions: options, files: ['app.ts'] }),
        'app.ts': `import express from 'express';\nimport { authMiddleware } from 'latchgate';\n${BODY}`,
      });
      const compiler = path.join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
      const compiled = await runNode([compiler, '-p', home], { cwd: home });
      assert.equal(compiled.status, 0, compiled.stdout);
      const { status, stdout, stderr } = await runNode(['app.js'], { cwd: home, env: NOWHERE });
      assert.deepEqual([status, stdout, stderr], [0, SEEN, '']);
    });
  }
});

describe('tarballs of different versions', () => {
  it('are refused at the start', async () => {
    const text = `const { createAuth } = require('latchgate');
      try { createAuth({ jwt: { secret: 's'.repeat(64) } }); console.log('made'); } catch ({ code, message }) { console.log(code, message); }`;
    const home = await app('mixed', Object.values(tarballs), { 'app.js': text });
    const run = () => runNode(['app.js'], { cwd: home, env: NOWHERE });
    assert.equal((await run()).stdout, 'made\n');
    const file = path.join(home, 'node_modules', 'latchgate', 'package.json');
    const { version, ...manifest } = JSON.parse(fs.readFileSync(file, 'utf8'));
    fs.writeFileSync(file, JSON.stringify({ ...manifest, version: '99.0.0' }));
    const { status, stdout, stderr } = await run();
    assert.deepEqual([status, stderr], [0, '']);
    assert.match(stdout, /^ERR_LATCHGATE_CONFIG latchgate is at version 99\.0\.0, but its native binary/);
    assert.ok(stdout.includes(`binary is at version ${version}: `), stdout);
    assert.ok(stdout.includes(`latchgate-${platformName()}@99.0.0`), stdout);
  });
});

describe('the command of the package', () => {
  it('is available to npx, examines stores, and audits', async () => {
    const home = path.join(directory, 'cjs');
    const latchgate = (/** @type {string[]} */ ...args) =>
      npm(['exec', '--offline', '--', 'latchgate', ...args], { cwd: home, quiet: true });
    const { version } = JSON.parse(fs.readFileSync(path.join(ROOT, 'package.json'), 'utf8'));
    const told = await latchgate('--version');
    assert.deepEqual([told.status, told.output.trim().split('\n').at(-1)], [0, version]);
    const embedded = await latchgate('doctor', 'memory:');
    assert.equal(embedded.status, 1);
    assert.match(embedded.output, /no server to look at/);
    const nobody = await latchgate('doctor', 'redis://:Hush-Hush@127.0.0.1:1', '--json');
    assert.equal(nobody.status, 1);
    assert.match(nobody.output, /"ok": false/);
    assert.doesNotMatch(nobody.output, /Hush/);
    const unread = await latchgate('audit', 'nowhere.json');
    assert.equal(unread.status, 2);
    assert.match(unread.output, /there is no file nowhere\.json/);
  });
});

describe('the main tarball', () => {
  it('alone can be loaded, and creating an Auth fails with the name of the missing package', async () => {
    const text = `
      const { createAuth } = require('latchgate');
      try { createAuth(); } catch (error) { console.log(error.code, error.message); }
    `;
    const home = await app('alone', [tarballs.main], { 'app.js': text });
    const { status, stdout } = await runNode(['app.js'], { cwd: home, env: NOWHERE });
    assert.equal(status, 0);
    assert.match(stdout, new RegExp(`^ERR_LATCHGATE_CONFIG .*latchgate-${platformName()}`));
  });

  it('contains the licences of everything that is linked into the binary', () => {
    const home = path.join(directory, 'cjs', 'node_modules', `latchgate-${platformName()}`);
    const notices = fs.readFileSync(path.join(home, 'THIRD-PARTY-NOTICES.txt'), 'utf8');
    const lock = fs.readFileSync(path.join(__dirname, '..', 'Cargo.lock'), 'utf8');
    for (const crate of ['aws-lc-sys', 'dashmap', 'jsonwebtoken', 'napi', 'redis', 'tokio']) {
      const version = new RegExp(`name = "${crate}"\nversion = "(.+)"`).exec(lock)?.[1];
      assert.ok(notices.includes(`${crate} ${version}`), crate);
    }
  });

  it('has no install script, names the packages of all platforms, and contains no binary and no test', async () => {
    const home = path.join(directory, 'alone', 'node_modules', 'latchgate');
    const manifest = JSON.parse(fs.readFileSync(path.join(home, 'package.json'), 'utf8'));
    assert.deepEqual(Object.keys(manifest.scripts ?? {}), []);
    assert.equal(manifest.optionalDependencies[`latchgate-${platformName()}`], manifest.version);
    assert.ok(Object.keys(manifest.optionalDependencies).length >= 5);
    const files = /** @type {string[]} */ (fs.readdirSync(home, { recursive: true }));
    assert.deepEqual(
      files.filter((file) => /\.node$|\.rs$|__test__|spec/.test(file)),
      [],
    );
    for (const file of ['README.md', 'LICENSE', 'index.d.ts', 'index.d.mts', 'package.json']) {
      assert.ok(files.includes(file), `${file} is missing`);
    }
  });
});
