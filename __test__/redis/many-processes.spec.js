// Six Node processes behind one front, on one server: what must hold across them, and that an app which reads, decides and
// writes loses every one of these races. Each kind of server in turn.
'use strict';

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const { noFaketime, startProcesses } = require('../support/processes.js');
const { GUARDED, PROCESSES } = require('../support/races/processes.js');
const { KINDS, missing, startServer } = require('../support/servers.js');

/**
 * @param {import('node:test').TestContext} t
 * @param {'redis' | 'valkey'} kind
 * @param {string} app
 * @param {{ clocks?: number[], front?: 'nginx' | 'cluster' }} [options]
 */
async function crowd(t, kind, app, options = {}) {
  const server = await startServer(t, { kind });
  return startProcesses(t, { app, count: 6, env: { STORE: server.url() }, ...options });
}

for (const { kind, name } of KINDS) {
  describe(`six processes on ${name}`, async () => {
    const absent = await missing(kind);
    for (const { rule, clocks, run, check } of [...PROCESSES, ...GUARDED]) {
      const skip = absent || (clocks !== undefined && noFaketime());
      it(rule, { skip }, async (t) => check(await run(await crowd(t, kind, 'gate.js', { clocks }))));
    }
  });
}

describe("six workers of node's cluster on Redis", async () => {
  const skip = await missing('redis');
  const [logins] = PROCESSES;
  it(logins.rule, { skip }, async (t) => {
    logins.check(await logins.run(await crowd(t, 'redis', 'gate.js', { front: 'cluster' })));
  });
});

describe('six processes of an app that reads, decides and writes', async () => {
  const absent = await missing('redis');
  for (const { rule, clocks, run, check } of PROCESSES) {
    const skip = absent || (clocks !== undefined && noFaketime());
    it(`cannot hold that ${rule}`, { skip }, async (t) => {
      const seen = await run(await crowd(t, 'redis', 'unguarded.js', { clocks }));
      t.diagnostic(JSON.stringify(seen));
      assert.throws(() => check(seen), assert.AssertionError);
    });
  }
});
