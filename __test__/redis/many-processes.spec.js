// Six Node processes behind one front, on one server. The rules hold across them. An app that reads, decides and
// writes loses every one of these races. Each kind of server is tested in turn.
'use strict';

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const { crowds } = require('../support/crowds.js');
const { startProcesses } = require('../support/processes.js');
const { PROCESSES } = require('../support/races/processes.js');
const { KINDS, missing, startServer } = require('../support/servers.js');

for (const { kind, name } of KINDS) {
  describe(`six processes on ${name}`, async () => {
    const absent = await missing(kind);
    const { crowd, skip } = crowds('gate.js', (t) => startServer(t, { kind }), absent);
    for (const race of PROCESSES) {
      it(race.rule, { skip: skip(race) }, async (t) => race.check(await race.run(await crowd(t, race))));
    }
  });
}

describe("six workers of node's cluster on Redis", async () => {
  const skip = await missing('redis');
  const [logins] = PROCESSES;
  it(logins.rule, { skip }, async (t) => {
    const server = await startServer(t);
    const env = { STORE: server.url() };
    logins.check(await logins.run(await startProcesses(t, { app: 'gate.js', env, front: 'cluster' })));
  });
});

describe('six processes of an app that reads, decides and writes', async () => {
  const { crowd, skip } = crowds('unguarded.js', (t) => startServer(t), await missing('redis'));
  for (const race of PROCESSES) {
    it(`breaks the rule: ${race.rule}`, { skip: skip(race) }, async (t) => {
      const seen = await race.run(await crowd(t, race));
      t.diagnostic(JSON.stringify(seen));
      assert.throws(() => race.check(seen), assert.AssertionError);
    });
  }
});
