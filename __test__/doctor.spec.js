// The command latchgate: its arguments, and that no error message contains a password. Its findings:
// __test__/redis/doctor.spec.js.
'use strict';

const assert = require('node:assert/strict');
const path = require('node:path');
const { describe, it } = require('node:test');
const { ROOT, runNode } = require('./support/child.js');

const { version } = require('../package.json');

const COMMAND = path.join(ROOT, 'src', 'cli', 'main.js');

/** @param {string[]} args @param {Record<string, string | undefined>} [env] */
const run = (args, env) => runNode([COMMAND, ...args], { env: { LATCHGATE_STORE: undefined, ...env } });

describe('latchgate', () => {
  it('prints its usage and its version', async () => {
    for (const args of [[], ['--help'], ['doctor', '--help']]) {
      const { status, stdout, stderr } = await run(args);
      assert.deepEqual([status, stderr], [0, '']);
      assert.match(stdout, /latchgate doctor \[store-url\]/);
    }
    assert.equal((await run(['--version'])).stdout, `${version}\n`);
  });

  /** @type {Array<[string[], RegExp]>} */
  const REFUSED = [
    [['surgeon'], /no such command/],
    [['toString'], /no such command/],
    [['doctor'], /LATCHGATE_STORE/],
    [['doctor', 'redis://a', 'redis://b'], /one store/],
    [['doctor', '--force', 'redis://a'], /--force/],
    [['doctor', 'memory:'], /no server/],
    [['doctor', '--prefix', 'a*', 'redis://:Hush-Hush@a'], /--prefix/],
  ];
  for (const url of [
    'http://u:Hush-Hush@a',
    'Hush-Hush',
    'redis://u:Hush-Hush@a b',
    'redis://u:Hush-Hush@a:99999',
    'redis://u:Hush-Hush@a/one',
    'redis://u:%zzHush-Hush@a',
    'redis://u:Hush-Hush@a,b:0',
    'redis-sentinel://u:Hush-Hush@a,b/0',
  ])
    REFUSED.push([['doctor', url], /^latchgate: the /]);
  for (const [args, message] of REFUSED) {
    it(`refuses ${args.join(' ')}`, async () => {
      const { status, stdout, stderr } = await run(args);
      assert.deepEqual([status, stdout], [1, '']);
      assert.match(stderr, message);
      assert.doesNotMatch(stderr, /Hush|\n.*\n/);
    });
  }

  it('reports that no server answers, with the address and without the password', async () => {
    for (const [args, env] of /** @type {Array<[string[], Record<string, string>]>} */ ([
      [['redis://Hush:Hush-Hush@127.0.0.1:1/2'], {}],
      [[], { LATCHGATE_STORE: 'redis://Hush:Hush-Hush@127.0.0.1:1/2' }],
    ])) {
      const { status, stdout, stderr } = await run(['doctor', ...args], env);
      assert.deepEqual([status, stderr], [1, '']);
      assert.match(stdout, /^redis:\/\/127\.0\.0\.1:1\/2 \(standalone\)\n/);
      assert.match(stdout, /problem {2}connection .*ECONNREFUSED/);
      assert.doesNotMatch(stdout, /Hush/);
    }
  });
});
