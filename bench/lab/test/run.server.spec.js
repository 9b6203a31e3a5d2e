// npm run lab, shortened, on real servers: its files and its exit code.
'use strict';

const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { before, describe, it } = require('node:test');
const { installContenders } = require('../../lib/nodes.js');
const { missing } = require('../../../__test__/support/servers.js');
const { ownDirectory } = require('../../../__test__/support/started.js');

const ROOT = path.join(__dirname, '..', '..', '..');

/** @param {string[]} args @returns {Promise<{ code: number | null, text: string }>} */
function lab(...args) {
  const script = path.join(ROOT, 'bench', 'lab', 'run.js');
  const child = spawn(process.execPath, [script, '--no-setup', ...args], {
    cwd: ROOT,
    env: { ...process.env, NODE_TEST_CONTEXT: undefined },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (chunk) => {
      text += chunk;
    });
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, text })));
}

describe('npm run lab', async () => {
  const skip = await missing('redis');
  before(async () => {
    if (!skip) await installContenders();
  });

  it('counts both apps, writes its results, and exits with 0 if the protected app has no violation', {
    skip,
  }, async (t) => {
    const out = ownDirectory(t, 'lab');
    const { code, text } = await lab('--quick', '--scenarios', 'S7,S12', '--loads', '200', '--out', out);
    assert.equal(code, 0, text);
    const { runs, incomplete, seed } = JSON.parse(fs.readFileSync(path.join(out, 'results.json'), 'utf8'));
    assert.deepEqual(
      runs.map((/** @type {any} */ run) => `${run.scenario} ${run.form} ${run.processes} ${run.rate}`),
      ['S7 unprotected', 'S7 protected', 'S12 unprotected', 'S12 protected'].map((run) => `${run} 6 200`),
    );
    for (const run of runs) assert.ok(run.sent > 100 && run.tried > 50, text);
    // The unprotected S12 app returns distinguishable errors, regardless of timing.
    assert.ok(runs[2].violations > 0 && runs[3].violations === 0);
    assert.match(incomplete[0], /a part of the lab/);
    assert.equal(seed, 1);
    const page = fs.readFileSync(path.join(out, 'report.html'), 'utf8');
    assert.doesNotMatch(page, /undefined|NaN/);
    assert.match(page, /<section id="S12">/);
    assert.match(fs.readFileSync(path.join(out, 'table.md'), 'utf8'), /\| S12 .* of /);
  });

  it('exits with 1 if the protected app has one violation', { skip }, async () => {
    const { code, text } = await lab('--self-test', '--quick', '--scenarios', 'S12', '--loads', '200');
    assert.equal(code, 1, text);
    assert.match(text, /S12 with latchgate, 6 processes, 200\/s: \d+ of \d+ went wrong/);
  });

  it('exits with 1 if an argument is unknown', { skip }, async () => {
    for (const args of [
      ['--scenarios', 'S99'],
      ['--loads', 'many'],
    ]) {
      const { code, text } = await lab(...args);
      assert.equal(code, 1, text);
      assert.match(text, /no such scenario: S99|not a number above zero: many/);
    }
  });
});
