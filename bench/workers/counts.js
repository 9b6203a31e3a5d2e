'use strict';
// Row F: what a request amounts to, counted and not timed: commands that clients send, promises that are made, and whether
// latchgate and the clients of the other rows send the same.

const asyncHooks = require('node:async_hooks');
const { open } = require('../contenders/clients.js');
const { throughMiddleware } = require('../contenders/latchgate.js');
const script = require('../contenders/script.js');
const { correctness } = require('../lib/correctness.js');
const { worker } = require('../lib/measure.js');
const { monitored } = require('../lib/resp.js');
const { QUOTAS } = require('../lib/settings.js');
const { sign, userOf } = require('../lib/tokens.js');

const REQUESTS = 1000;

/** @param {string} line of MONITOR @returns {string} the command alone */
const command = (line) => line.replace(/^\+[\d.]+ \[[^\]]*\] /, '');

worker(async ({ port }) => {
  const gate = throughMiddleware(`redis://127.0.0.1:${port}`);
  await gate.ready();
  const headers = Array.from({ length: REQUESTS }, (_, at) => `Bearer ${sign(userOf(at))}`);
  const all = () =>
    new Promise((resolve) => {
      let open = REQUESTS;
      for (const header of headers) gate.pass(header, () => --open === 0 && resolve(undefined));
    });
  await all();
  const commands = await monitored(port, all);

  let promises = 0;
  const hook = asyncHooks.createHook({
    init: (_id, type) => {
      if (type === 'PROMISE') promises++;
    },
  });
  hook.enable();
  await all();
  hook.disable();

  const token = sign('user-same');
  const own = await monitored(port, () => gate.ask(token));
  const others = [];
  for (const name of ['ioredis', 'ioredis-auto', 'node-redis']) {
    const client = await open(name, port);
    const sent = await monitored(port, () =>
      client.decide(script.decision(script.claimsOf(token), QUOTAS.small)),
    );
    others.push(...sent.map(command));
    await client.close();
  }
  const same = others.filter((sent) => sent.toLowerCase() === command(own[0]).toLowerCase()).length;
  const metrics = {
    'commands per request': commands.length / REQUESTS,
    'scripts per request': commands.filter((line) => /evalsha/i.test(line)).length / REQUESTS,
    // The promise of the loop around them, and what awaits it.
    'promises per request': Math.max(0, promises - 3) / REQUESTS,
    'clients that send the same': same,
  };
  return { metrics, counters: await correctness(gate.ask, gate.revoke), failed: 0 };
});
