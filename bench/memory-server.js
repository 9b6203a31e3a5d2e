// node bench/memory-server.js [--most 1000000] [--kind redis|valkey]
//
// What users, sessions and the rest weigh on a server, and what a decision costs it, from a thousand users to a million: its
// own accounts of both (INFO memory, INFO commandstats). Prints a line for each size, and one for each further thing, and
// keeps all of it in bench/results/memory-<kind>.json, where bench/scaling.js takes it from.
'use strict';

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { setTimeout } = require('node:timers/promises');
const { parseArgs } = require('node:util');
const { startServer } = require('../__test__/support/servers.js');
const { throughMiddleware } = require('./contenders/latchgate.js');
const { quantile } = require('./lib/stats.js');
const { sign } = require('./lib/tokens.js');
const { system } = require('./lib/system.js');

const DECISIONS = 20_000;
const WIDTH = 256;
/** So many of each further thing. */
const FURTHER = 100_000;
/** A decision's cost is the median of so many counts: who else has work to do on the machine disturbs some of them. */
const COUNTS = 5;

const { values: options } = parseArgs({
  options: {
    most: { type: 'string', default: '1000000' },
    kind: { type: 'string', default: 'redis' },
  },
});

/** @type {Array<() => unknown>} */
const cleanups = [];
const test = /** @type {any} */ ({ after: (/** @type {() => unknown} */ clean) => cleanups.unshift(clean) });

const nameOf = (/** @type {number} */ at) => `user-${String(at).padStart(8, '0')}`;
const sessionOf = (/** @type {number} */ at) => String(at).padStart(22, '0');

/** @param {number} from @param {number} to @param {(at: number) => Promise<unknown>} ask */
async function each(from, to, ask) {
  let at = from;
  const lane = async () => {
    while (at < to) await ask(at++);
  };
  await Promise.all(Array.from({ length: WIDTH }, lane));
}

/** Until the buffers of connections that were busy have shrunk, in milliseconds. */
const SHRUNK = 6000;
/** So few weigh little beside those buffers. */
const FEW = 100_000;

/** But for what connections take, which the server counts now and then. @param {any} server @param {number} among */
async function weight(server, among) {
  if (among < FEW) await setTimeout(SHRUNK);
  const { used_memory: all, mem_clients_normal: clients } = await server.info('memory');
  return Number(all) - Number(clients);
}

/** Microseconds that the server took for one decision about a user out of so many. @param {any} server @param {any} gate @param {number} users */
async function decisionCost(server, gate, users) {
  const tokens = Array.from({ length: Math.min(users, DECISIONS) }, () => {
    const at = Math.floor(Math.random() * users);
    return sign(nameOf(at), sessionOf(at));
  });
  const decide = (/** @type {number} */ at) =>
    new Promise((resolve) => gate.pass(`Bearer ${tokens[at % tokens.length]}`, resolve));
  await each(0, tokens.length, decide);
  const costs = [];
  for (let count = 0; count < COUNTS; count++) {
    await server.resetStats();
    await each(0, DECISIONS, decide);
    const { cmdstat_evalsha: line } = await server.info('commandstats');
    costs.push(Number(/usec_per_call=([\d.]+)/.exec(line)?.[1]));
  }
  return quantile(costs, 0.5);
}

/** So many users with one session each, then a second one for each of them. @param {any} server @param {any} gate @param {number} users */
async function weigh(server, gate, users) {
  const { auth } = gate;
  const admit = (/** @type {string} */ label) => (/** @type {number} */ at) =>
    auth.sessions.admit(nameOf(at), { sessionId: `${label}${sessionOf(at).slice(label.length)}` });
  await server.command('FLUSHALL', 'SYNC');
  // Whatever there is but once is there before anything is weighed.
  await admit('')(users);
  const empty = await weight(server, users);
  await each(0, users, admit(''));
  const full = await weight(server, users);
  const decision = await decisionCost(server, gate, users);
  const before = await weight(server, users);
  await each(0, users, admit('b'));
  return {
    users,
    user: (full - empty) / users,
    session: ((await weight(server, users)) - before) / users,
    decision,
  };
}

/** Of things in a user's record there are as many users before; of things in keys of their own there is nothing. @param {any} server @param {import('latchgate').Auth} auth @param {any} charged */
async function furtherThings(server, auth, charged) {
  const many = Math.min(FURTHER, Number(options.most));
  const expiresAt = Date.now() + 3_600_000;
  const admit = (/** @type {number} */ at) => auth.sessions.admit(nameOf(at), { sessionId: sessionOf(at) });
  const rule = { limit: 100, window: '1h' };
  /** @type {Array<{ what: string, before?: (at: number) => Promise<unknown>, add: (at: number) => Promise<unknown> }>} */
  const things = [
    {
      what: "a window quota in the user's record",
      before: admit,
      add: (at) =>
        new Promise((resolve) => charged.pass(`Bearer ${sign(nameOf(at), sessionOf(at))}`, () => resolve(0))),
    },
    {
      what: 'a revoked token',
      before: admit,
      add: (at) => auth.tokens.revokeId({ jti: sessionOf(at), userId: nameOf(at), expiresAt }),
    },
    { what: 'a counter', add: (at) => auth.counters.add(nameOf(at), 'bonus', 5) },
    {
      what: 'a window quota by a key of its own',
      add: (at) => auth.quotas.consume(`quota-${nameOf(at)}`, rule),
    },
    {
      what: 'the memory of an idempotency key',
      before: (at) => auth.quotas.consume(`quota-${nameOf(at)}`, rule),
      add: (at) => auth.quotas.consume(`quota-${nameOf(at)}`, rule, { idempotencyKey: 'once' }),
    },
    { what: 'an API key, the first of its owner', add: (at) => auth.apiKeys.create({ ownerId: nameOf(at) }) },
    { what: 'a key of once()', add: (at) => auth.once(`once-${nameOf(at)}`, { ttl: '1h' }) },
  ];
  console.log('further, each | bytes');
  /** @type {Array<{ what: string, bytes: number }>} */
  const weights = [];
  for (const { what, before, add } of things) {
    await server.command('FLUSHALL', 'SYNC');
    await add(many);
    if (before !== undefined) await each(0, many, before);
    const start = await weight(server, many);
    await each(0, many, add);
    const bytes = ((await weight(server, many)) - start) / many;
    console.log(`${what} | ${bytes.toFixed(0)}`);
    weights.push({ what, bytes });
  }
  return weights;
}

/** More digits would say nothing. @param {string} _name @param {unknown} value */
const rounded = (_name, value) => (typeof value === 'number' ? Number(value.toPrecision(7)) : value);

async function main() {
  // Its histograms of times are 100 KB for each kind of command, and made anew after the statistics are reset.
  const config = { 'latency-tracking': 'no' };
  const server = await startServer(test, { kind: /** @type {'redis' | 'valkey'} */ (options.kind), config });
  const gate = throughMiddleware(server.url(), false);
  const charged = throughMiddleware(server.url(), true);
  cleanups.unshift(
    () => gate.auth.close(),
    () => charged.auth.close(),
  );
  await gate.auth.ready();
  const sizes = [];
  console.log('users | bytes a user with one session | bytes a second session | server µs a decision');
  for (let users = 1000; users <= Number(options.most); users *= 10) {
    const size = await weigh(server, gate, users);
    const [user, session] = [size.user.toFixed(0), size.session.toFixed(0)];
    console.log(`${users} | ${user} | ${session} | ${size.decision.toFixed(2)}`);
    sizes.push(size);
  }
  const further = await furtherThings(server, gate.auth, charged);
  const about = await server.info('server');
  const machine = {
    node: process.versions.node,
    server: about.valkey_version ?? about.redis_version,
    cpu: `${os.cpus().length} x ${os.cpus()[0]?.model.trim()}`,
    system: system(),
  };
  const file = path.join(__dirname, 'results', `memory-${options.kind}.json`);
  const kept = {
    command: `node bench/memory-server.js --most ${options.most} --kind ${options.kind}`,
    machine,
  };
  fs.writeFileSync(file, `${JSON.stringify({ ...kept, sizes, further }, rounded)}\n`);
}

main()
  .catch((error) => {
    console.error(error);
    process.exitCode = 1;
  })
  .finally(async () => {
    for (const clean of cleanups) await clean();
  });
