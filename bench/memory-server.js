// node bench/memory-server.js [--most 1000000] [--kind redis|valkey]
//
// What users, sessions and the rest weigh on a server, and what a decision costs it, from a thousand users to a million: its
// own accounts of both (INFO memory, INFO commandstats). Prints a line for each size, and one for each further thing.
'use strict';

const { parseArgs } = require('node:util');
const { startServer } = require('../__test__/support/servers.js');
const { throughMiddleware } = require('./contenders/latchgate.js');
const { sign } = require('./lib/tokens.js');

const DECISIONS = 20_000;
const WIDTH = 256;
/** So many of each further thing. */
const FURTHER = 100_000;

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

/** @param {any} server */
const weight = async (server) => Number((await server.info('memory')).used_memory);

/** Microseconds that the server took for one decision about a user out of so many. @param {any} server @param {any} gate @param {number} users */
async function decisionCost(server, gate, users) {
  const tokens = Array.from({ length: Math.min(users, DECISIONS) }, () => {
    const at = Math.floor(Math.random() * users);
    return sign(nameOf(at), sessionOf(at));
  });
  const decide = (/** @type {number} */ at) =>
    new Promise((resolve) => gate.pass(`Bearer ${tokens[at % tokens.length]}`, resolve));
  await each(0, tokens.length, decide);
  await server.resetStats();
  await each(0, DECISIONS, decide);
  const { cmdstat_evalsha: line } = await server.info('commandstats');
  return Number(/usec_per_call=([\d.]+)/.exec(line)?.[1]);
}

/** Of things in a user's record there are as many users before; of things in keys of their own there is nothing. @param {any} server @param {import('latchgate').Auth} auth @param {any} charged */
async function furtherThings(server, auth, charged) {
  const many = Math.min(FURTHER, Number(options.most));
  const expiresAt = Date.now() + 3_600_000;
  const admit = (/** @type {number} */ at) => auth.sessions.admit(nameOf(at), { sessionId: sessionOf(at) });
  const again = (/** @type {string} */ label) => (/** @type {number} */ at) =>
    auth.sessions.admit(nameOf(at), { sessionId: `${label}${sessionOf(at).slice(1)}` });
  const rule = { limit: 100, window: '1h' };
  /** @type {Array<{ what: string, before?: (at: number) => Promise<unknown>, add: (at: number) => Promise<unknown> }>} */
  const things = [
    { what: 'a second session', before: admit, add: again('b') },
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
  for (const { what, before, add } of things) {
    await server.command('FLUSHALL', 'SYNC');
    await add(many);
    if (before !== undefined) await each(0, many, before);
    const start = await weight(server);
    await each(0, many, add);
    console.log(`${what} | ${(((await weight(server)) - start) / many).toFixed(0)}`);
  }
}

async function main() {
  const server = await startServer(test, { kind: /** @type {'redis' | 'valkey'} */ (options.kind) });
  const gate = throughMiddleware(server.url(), false);
  const charged = throughMiddleware(server.url(), true);
  cleanups.unshift(
    () => gate.auth.close(),
    () => charged.auth.close(),
  );
  await gate.auth.ready();
  const { auth } = gate;
  await each(0, 1, (at) => auth.sessions.admit(nameOf(at), { sessionId: sessionOf(at) }));
  const empty = await weight(server);
  let users = 1;
  console.log('users | bytes a user with one session | server µs a decision');
  for (let size = 1000; size <= Number(options.most); size *= 10) {
    await each(users, size, (at) => auth.sessions.admit(nameOf(at), { sessionId: sessionOf(at) }));
    users = size;
    const bytes = ((await weight(server)) - empty) / (size - 1);
    const cost = await decisionCost(server, gate, size);
    console.log(`${size} | ${bytes.toFixed(0)} | ${cost.toFixed(2)}`);
  }

  await furtherThings(server, gate.auth, charged);
}

main()
  .catch((error) => {
    console.error(error);
    process.exitCode = 1;
  })
  .finally(async () => {
    for (const clean of cleanups) await clean();
  });
