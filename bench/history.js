// node bench/history.js [--most 100000] [--kind redis|valkey]
//
// What a call costs for an account with history, beside the same account without: for each kind of thing that one account
// can pile up, on the embedded store and on a server. Of a server: its own count of microseconds per script
// (INFO commandstats) and its longest script (SLOWLOG), those that piled the history up included. Of the embedded store: the
// process' time per call, and the longest sweep. Writes bench/results/history.json.
'use strict';

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { parseArgs } = require('node:util');
const { createAuth } = require('../src/js/index.js');
const { startServer } = require('../__test__/support/servers.js');
const { quantile } = require('./lib/stats.js');
const { system } = require('./lib/system.js');

/** @typedef {import('latchgate').Auth} Auth */
/** @typedef {(auth: Auth, user: string, n: number) => Promise<unknown>} Call */

const { values: options } = parseArgs({
  options: { most: { type: 'string', default: '100000' }, kind: { type: 'string', default: 'redis' } },
});

const SIZES = [10, 10_000, 100_000].filter((size) => size <= Number(options.most));
const WIDTH = 200;
const CALLS = 400;
const ROUNDS = 5;

/** @type {Array<() => unknown>} */
const cleanups = [];
const test = /** @type {any} */ ({ after: (/** @type {() => unknown} */ clean) => cleanups.unshift(clean) });

const WINDOW = { limit: 1e9, window: '1h' };
const EVICT = /** @type {const} */ ({ limit: 5, onLimit: 'evict-oldest' });
/** @type {Array<{ what: string, most?: number, add: Call, calls: Array<[string, Call]> }>} */
const HISTORIES = [
  {
    what: 'ended sessions',
    add: (auth, user, n) => auth.sessions.admit(user, { sessionId: `h${n}`, ...EVICT }),
    calls: [
      ['login, evicting', (auth, user, n) => auth.sessions.admit(user, { sessionId: `c${n}`, ...EVICT })],
      ['login, refused', (auth, user) => auth.sessions.admit(user, { limit: 1 })],
      ['touch', (auth, user) => auth.sessions.touch(user, 'stays')],
    ],
  },
  {
    what: 'live sessions',
    most: 10_000,
    add: (auth, user, n) => auth.sessions.admit(user, { sessionId: `h${n}` }),
    calls: [
      ['login, refused', (auth, user) => auth.sessions.admit(user, { limit: 1 })],
      ['touch', (auth, user) => auth.sessions.touch(user, 'h3')],
      [
        'revokeUser, once',
        (auth, user, n) => (n === 0 ? auth.tokens.revokeUser(user) : auth.sessions.touch(user, 'x')),
      ],
    ],
  },
  {
    what: 'logins with refresh tokens',
    add: (auth, user) => auth.tokens.login(user, EVICT),
    calls: [['login', (auth, user) => auth.tokens.login(user, EVICT)]],
  },
  {
    what: 'revoked tokens',
    add: (auth, userId, n) =>
      auth.tokens.revokeId({ jti: `h${n}`, userId, expiresAt: Date.now() + 3_600_000 }),
    calls: [
      [
        'revoke',
        (auth, userId, n) =>
          auth.tokens.revokeId({ jti: `c${n}`, userId, expiresAt: Date.now() + 3_600_000 }),
      ],
      ['isRevoked', (auth, userId, n) => auth.tokens.isRevoked({ jti: `h${n % 10}`, userId })],
    ],
  },
  {
    what: 'API keys',
    add: (auth, ownerId) => auth.apiKeys.create({ ownerId }),
    calls: [['create', (auth, ownerId) => auth.apiKeys.create({ ownerId })]],
  },
  {
    what: 'counters',
    add: (auth, user, n) => auth.counters.add(user, `h${n}`, 1),
    calls: [['add', (auth, user, n) => auth.counters.add(user, `c${n % 10}`, 1)]],
  },
  {
    what: 'idempotency keys of one quota',
    add: (auth, user, n) => auth.quotas.consume(user, WINDOW, { idempotencyKey: `h${n}` }),
    calls: [['consume', (auth, user, n) => auth.quotas.consume(user, WINDOW, { idempotencyKey: `c${n}` })]],
  },
];

/** @param {number} from @param {number} to @param {(at: number) => Promise<unknown>} ask */
async function each(from, to, ask) {
  let at = from;
  const lane = async () => {
    while (at < to) await ask(at++);
  };
  await Promise.all(Array.from({ length: WIDTH }, lane));
}

/** @param {any} server */
async function scripts(server) {
  const { cmdstat_evalsha: line } = await server.info('commandstats');
  return { us: Number(/usec=(\d+)/.exec(line)?.[1]), calls: Number(/calls=(\d+)/.exec(line)?.[1]) };
}

/** The longest script of the server's slow log, in microseconds. @param {any} server */
async function longest(server) {
  const log = await server.command('SLOWLOG', 'GET', '1000');
  const times = log
    .filter((/** @type {any} */ [, , , [command]]) => /^eval/i.test(command))
    .map((/** @type {any} */ [, , us]) => Number(us));
  return Math.max(0, ...times);
}

/** @param {string} store */
const newAuth = (store) =>
  createAuth({
    store: { url: store, commandTimeout: '60s' },
    jwt: { secret: 'x'.repeat(32) },
    sessions: {},
    apiKeys: {},
  });

/** @param {{ add: Call, calls: Array<[string, Call]> }} history @param {number} size @param {any} server */
async function measure({ add, calls }, size, server) {
  const auth = newAuth(server?.url() ?? 'memory:');
  const user = `user-${size}`;
  try {
    await auth.ready();
    if (server !== undefined) {
      await server.command('FLUSHALL', 'SYNC');
      await auth.close();
      return await onServer(newAuth(server.url()), user, { add, calls }, size, server);
    }
    await each(0, size, (n) => add(auth, user, n));
    const costs = [];
    for (const [what, call] of calls) {
      const rounds = [];
      for (let round = 0; round < ROUNDS; round++) {
        const began = process.hrtime.bigint();
        for (let n = 0; n < CALLS; n++) await call(auth, user, round * CALLS + n);
        rounds.push(Number(process.hrtime.bigint() - began) / 1000 / CALLS);
      }
      costs.push({ what, us: quantile(rounds, 0.5) });
    }
    return { costs };
  } finally {
    await auth.close();
  }
}

/** @param {Auth} auth @param {string} user @param {{ add: Call, calls: Array<[string, Call]> }} history @param {number} size @param {any} server */
async function onServer(auth, user, { add, calls }, size, server) {
  try {
    await auth.ready();
    await server.command('SLOWLOG', 'RESET');
    await each(0, size, (n) => add(auth, user, n));
    const costs = [];
    for (const [what, call] of calls) {
      const rounds = [];
      for (let round = 0; round < ROUNDS; round++) {
        await server.resetStats();
        await each(round * CALLS, (round + 1) * CALLS, (n) => call(auth, user, n));
        const { us } = await scripts(server);
        rounds.push(us / CALLS);
      }
      costs.push({ what, us: quantile(rounds, 0.5) });
    }
    return { costs, longest: await longest(server) };
  } finally {
    await auth.close();
  }
}

async function main() {
  const config = { 'slowlog-log-slower-than': '200', 'slowlog-max-len': '1000' };
  const server = await startServer(test, { kind: /** @type {'redis' | 'valkey'} */ (options.kind), config });
  /** @type {any[]} */
  const rows = [];
  for (const place of ['server', 'embedded']) {
    for (const history of HISTORIES) {
      for (const size of SIZES.filter((size) => size <= (history.most ?? Number.POSITIVE_INFINITY))) {
        const { costs, longest: most } = /** @type {any} */ (
          await measure(history, size, place === 'server' ? server : undefined)
        );
        for (const { what, us } of costs) {
          rows.push({ place, history: history.what, size, what, us, longest: most });
          const tail = most === undefined ? '' : `, longest script ${(most / 1000).toFixed(2)} ms`;
          console.log(`${place} | ${size} ${history.what} | ${what}: ${us.toFixed(1)} µs${tail}`);
        }
      }
    }
  }
  const about = await server.info('server');
  const machine = {
    node: process.versions.node,
    server: `${options.kind} ${about.valkey_version ?? about.redis_version}`,
    cpu: `${os.cpus().length} x ${os.cpus()[0]?.model.trim()}`,
    system: system(),
  };
  const command = `node bench/history.js --most ${options.most} --kind ${options.kind}`;
  const file = path.join(__dirname, 'results', 'history.json');
  fs.writeFileSync(file, `${JSON.stringify({ command, machine, rows }, null, 1)}\n`);
}

main()
  .catch((error) => {
    console.error(error);
    process.exitCode = 1;
  })
  .finally(async () => {
    for (const clean of cleanups) await clean();
  });
