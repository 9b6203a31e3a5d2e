// The modules that an Auth loads at its start, by name. An app waits for them before its first request.
'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { describe, it } = require('node:test');
const { ROOT, runNode } = require('./support/child.js');
const { SECRET, token } = require('./support/jwt.js');
const { ownDirectory } = require('./support/started.js');

/** Node modules that latchgate uses in some places, that take milliseconds to load, and that are seldom needed. */
const SLOW = ['cluster', 'crypto', 'http', 'https', 'net', 'tls'];

/**
 * Runs a script from a file, because Node loads node:crypto for code on the command line.
 * @param {import('node:test').TestContext} t @param {string} script @returns {Promise<{ builtin: string[], telemetry: boolean, passed: boolean }>}
 */
async function loaded(t, script) {
  const file = path.join(ownDirectory(t, 'test'), 'app.js');
  const text = `const latchgate = require(${JSON.stringify(ROOT)}); const SECRET = ${JSON.stringify(SECRET)};
    (async () => {
    ${script}
    const builtin = ${JSON.stringify(SLOW)}.filter((name) => process.moduleLoadList.includes('NativeModule ' + name));
    const telemetry = () => Object.keys(require.cache).some((file) => file.includes('opentelemetry'));
    console.log(JSON.stringify({ builtin, telemetry: telemetry(), passed }));
    await auth.close();
    })();`;
  fs.writeFileSync(file, text);
  const { status, stdout, stderr } = await runNode([file]);
  assert.deepEqual([status, stderr], [0, '']);
  return JSON.parse(stdout);
}

describe('an Auth with a secret', () => {
  it('loads none of the slow modules for its first decision', async (t) => {
    const seen = await loaded(
      t,
      `
      const auth = latchgate.createAuth({ jwt: { secret: SECRET }, sessions: { admission: 'first-use' } });
      const authorization = 'Bearer ${token({ sub: 'u', sid: 's' })}';
      const req = { method: 'GET', url: '/', headers: { authorization }, rawHeaders: ['authorization', authorization] };
      let passed = false;
      auth.middleware()(req, { on: () => {} }, (error) => { passed = error === undefined; });`,
    );
    assert.deepEqual(seen, { builtin: [], telemetry: false, passed: true });
  });

  it('and the test detects a slow module', async (t) => {
    const seen = await loaded(
      t,
      `
      const { publicKey } = require('node:crypto').generateKeyPairSync('ed25519');
      const auth = latchgate.createAuth({ jwt: { publicKey } });
      auth.middleware({ requestProperty: 'who' });
      require('node:cluster');
      await new Promise(setImmediate);
      const passed = false;`,
    );
    assert.ok(['cluster', 'crypto', 'http'].every((name) => seen.builtin.includes(name)));
    assert.equal(seen.telemetry, true);
  });
});
