'use strict';
// Rows C and D: whole decisions on Redis, so many in flight at a time; whoever has an answer asks the next question at once.

const { open } = require('../contenders/clients.js');
const { throughAuthenticate, throughMiddleware } = require('../contenders/latchgate.js');
const script = require('../contenders/script.js');
const { correctness } = require('../lib/correctness.js');
const { atDepths } = require('../lib/loop.js');
const { worker } = require('../lib/measure.js');
const { QUOTAS, SECRET } = require('../lib/settings.js');
const { fresh, oneEach } = require('../lib/tokens.js');

/** @typedef {import('../lib/loop.js').Ask} Ask */

/**
 * A client with everything prepared: it only calls the script and looks at the first byte of the reply. No token is read.
 * @param {string} name
 * @param {number} port
 * @param {string[]} tokens
 */
async function scriptAlone(name, port, tokens) {
  const client = await open(name, port);
  const prepared = tokens.map((token) => script.decision(script.claimsOf(token), QUOTAS.main));
  /** @type {Ask} */
  const ask = (at, done) => {
    client.decide(prepared[at % prepared.length]).then((reply) => done(script.isAllowed(reply)));
  };
  return { ask, gate: client };
}

/**
 * The same as latchgate does it: a token comes as text, is verified (cached), and then put before the script.
 * @param {string} name
 * @param {number} port
 * @param {string[]} tokens
 */
async function withVerify(name, port, tokens) {
  const { createVerifier } = require('fast-jwt');
  const client = await open(name, port);
  const verify = createVerifier({ key: SECRET, cache: 10_000 });
  const bytes = tokens.map((token) => Buffer.from(token, 'latin1'));
  /** @type {WeakMap<object, string[]>} */
  const prepared = new WeakMap();
  /** @type {Ask} */
  const ask = (at, done) => {
    const claims = verify(fresh(bytes[at % bytes.length]));
    let args = prepared.get(claims);
    if (args === undefined) {
      args = script.decision(claims, QUOTAS.main);
      prepared.set(claims, args);
    }
    client.decide(args).then((reply) => done(script.isAllowed(reply)));
  };
  return { ask, gate: client };
}

/** @type {Record<string, (port: number, tokens: string[]) => Promise<{ ask: Ask, gate: any }>>} */
const CONTENDERS = {
  'latchgate middleware': async (port, tokens) => {
    const gate = throughMiddleware(`redis://127.0.0.1:${port}`);
    await gate.ready();
    const bytes = tokens.map((token) => Buffer.from(`Bearer ${token}`, 'latin1'));
    return {
      ask: (at, done) => gate.pass(fresh(bytes[at % bytes.length]), () => done(true)),
      gate,
    };
  },
  'latchgate authenticate': async (port, tokens) => {
    const gate = throughAuthenticate(`redis://127.0.0.1:${port}`);
    await gate.ready();
    const bytes = tokens.map((token) => Buffer.from(token, 'latin1'));
    return { ask: (at, done) => gate.decide(fresh(bytes[at % bytes.length]), done), gate };
  },
};
for (const name of ['ioredis', 'ioredis-auto', 'node-redis'])
  CONTENDERS[name] = (port, tokens) => scriptAlone(name, port, tokens);
for (const name of ['ioredis-auto', 'node-redis'])
  CONTENDERS[`${name} + fast-jwt`] = (port, tokens) => withVerify(name, port, tokens);

worker(async ({ contender, port, depths, ms }) => {
  const { ask, gate } = await CONTENDERS[contender](port, oneEach());
  const { metrics, failed } = await atDepths(ask, { depths, ms });
  return { metrics, counters: await correctness(gate.ask, gate.revoke), failed };
});
