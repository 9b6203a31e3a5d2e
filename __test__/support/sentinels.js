// Real Sentinel set-ups: a primary, its replicas, and Sentinels that agree on it, all on loopback, with periods short enough
// that a failover takes a second or two. They end with the test.
'use strict';

const { startServer } = require('./servers.js');
const { until } = require('./started.js');

/** @typedef {import('./started.js').Test} Test */
/** @typedef {import('./servers.js').RealServer} Server */

const NAME = 'main';

/**
 * Periods of Sentinel in milliseconds. The defaults are 1 to 10 seconds. A Sentinel that gets no processor for
 * `tilt-trigger` does nothing for `tilt-period` (TILT); the defaults are 2 and 30 seconds. While the primary is down, a
 * Sentinel asks a replica for its state once a second, and accepts a replica as the next primary only if the last state
 * is at most five `ping-period` old. So five `ping-period` must be longer than a second.
 */
const PERIODS = {
  'info-period': 200,
  'publish-period': 200,
  'ask-period': 100,
  'ping-period': 300,
  'tilt-trigger': 60_000,
  'tilt-period': 500,
};

/**
 * @typedef {object} Options
 * @property {'redis' | 'valkey'} [kind]
 * @property {number} [replicas] default 2
 * @property {number} [sentinels] default 3
 * @property {number} [downAfter] milliseconds, default 600
 * @property {string} [password] of the default user of the servers
 * @property {string} [sentinelPassword] of the default user of the Sentinels
 * @property {boolean} [appendonly]
 * @property {Record<string, string | number>} [config] of the servers
 * @property {(primary: Server) => Promise<number>} [front] starts what stands before the primary; the port at which the Sentinels are told that it is
 */

/** Time for several votes, in milliseconds: Sentinels repeat a vote without a result after about six seconds. */
const SEVERAL_VOTES = 90_000;

class Sentinels {
  /** Where the Sentinels see the first primary. */
  #front;

  /** @param {Server[]} nodes @param {Server[]} sentinels @param {Options} options @param {number} front */
  constructor(nodes, sentinels, options, front) {
    this.#front = front;
    this.kind = options.kind ?? 'redis';
    /** Whatever their roles are now. */
    this.nodes = nodes;
    this.sentinels = sentinels;
    this.password = options.password;
    this.sentinelPassword = options.sentinelPassword;
  }

  /** For the option `store`. */
  url() {
    const login = this.password === undefined ? '' : `:${encodeURIComponent(this.password)}@`;
    const hosts = this.sentinels.map(({ port }) => `127.0.0.1:${port}`).join(',');
    return `redis-sentinel://${login}${hosts}/0?master=${NAME}`;
  }

  /** Where most of the Sentinels that answer see the primary. @returns {Promise<Server>} */
  async primary() {
    /** @type {Map<number, number>} */
    const votes = new Map();
    for (const sentinel of this.sentinels) {
      const answer = await sentinel.command('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', NAME).catch(() => null);
      if (answer !== null) votes.set(Number(answer[1]), (votes.get(Number(answer[1])) ?? 0) + 1);
    }
    const [port, count] = [...votes].sort(([, a], [, b]) => b - a)[0] ?? [0, 0];
    const node = port === this.#front ? this.nodes[0] : this.nodes.find((each) => each.port === port);
    if (node === undefined || count * 2 <= this.sentinels.length)
      throw new Error('the Sentinels do not agree');
    return node;
  }

  /** Those that are not the primary. @returns {Promise<Server[]>} */
  async replicas() {
    const primary = await this.primary();
    return this.nodes.filter((node) => node !== primary);
  }

  /** Until another node than this one is the primary, says so itself, and takes writes. @param {Server} old @returns {Promise<Server>} */
  async failedOver(old) {
    return explained(this.sentinels, () =>
      until(
        'another node is the primary',
        async () => {
          const node = await this.primary();
          if (node === old) return false;
          return (await node.command('ROLE'))[0] === 'master' && node;
        },
        SEVERAL_VOTES,
      ),
    );
  }

  /**
   * Puts the primary out of office. One Sentinel does it alone, and one that did not get through in its time gives up: it is
   * asked again until another node is the primary.
   * @param {Server} old
   */
  async depose(old) {
    const [sentinel] = this.sentinels;
    await until('another node is made the primary', async () => {
      const [, port] = await sentinel.command('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', NAME);
      if (Number(port) !== old.port) return true;
      // Refused while it is at it, or has nobody to put in office.
      await sentinel.command('SENTINEL', 'FAILOVER', NAME).catch(() => {});
      return false;
    });
  }

  /** Until an Auth is connected to the primary. @param {import('latchgate').Auth} auth */
  async leads(auth) {
    await until('the Auth is connected to the primary', async () => {
      const { ok, primary } = await auth.health();
      return ok && primary === `127.0.0.1:${(await this.primary()).port}`;
    });
  }

  /** Until the node follows the primary. @param {Server} node */
  async follows(node) {
    await until('the node is a replica of the primary', async () => {
      const [role, , port, state] = await node.command('ROLE');
      return role === 'slave' && Number(port) === (await this.primary()).port && state === 'connected';
    });
  }

  /** Until so many replicas have all that the primary has. @param {number} [count] */
  async inStep(count = this.nodes.length - 1) {
    await until('the replicas are in step', async () => {
      // What ROLE tells of them is up to a second old, and Sentinels publish all the time: they are asked.
      const primary = await this.primary();
      const [role] = await primary.command('ROLE');
      // One that was only just filled counts for having nothing, and is given more only once it has spoken again.
      await primary.command('PUBLISH', 'in-step', 1);
      return role === 'master' && (await primary.command('WAIT', count, 1000)) >= count;
    });
  }

  /**
   * From now on the replicas get nothing of what the primary is told, however far it has come: they stand still, and the
   * primary has dropped their connections.
   * @returns {Promise<() => void>} lets them go on
   */
  async cutOff() {
    await this.inStep();
    const primary = await this.primary();
    const replicas = await this.replicas();
    for (const replica of replicas) replica.pause();
    await primary.command('CLIENT', 'KILL', 'TYPE', 'replica');
    await until('the primary has no replicas', async () => {
      return (await primary.info('replication')).connected_slaves === '0';
    });
    return () => {
      for (const replica of replicas) replica.resume();
    };
  }
}

/** @param {string[]} list names and values in turn */
const pairs = (list) =>
  Object.fromEntries(Array.from({ length: list.length / 2 }, (_, n) => list.slice(2 * n, 2 * n + 2)));

/**
 * Adds the logs of the Sentinels to an error.
 * @template T
 * @param {Server[]} sentinels
 * @param {() => Promise<T>} work
 */
async function explained(sentinels, work) {
  try {
    return await work();
  } catch (error) {
    const logs = sentinels.map((sentinel) => sentinel.log().split('\n').slice(-40).join('\n'));
    const { message, cause } = /** @type {Error} */ (error);
    throw new Error(`${message}: ${cause}\n${logs.join('\n\n')}`, { cause: error });
  }
}

/**
 * @param {Test} t
 * @param {Options} [options]
 */
async function startSentinels(t, options = {}) {
  const {
    kind = 'redis',
    replicas = 2,
    sentinels = 3,
    downAfter = 600,
    password,
    sentinelPassword,
    appendonly,
    config = {},
    front = async ({ port }) => port,
  } = options;
  /** @type {Record<string, string>} */
  const login = password === undefined ? {} : { masterauth: JSON.stringify(password) };
  const common = { kind, password, appendonly };
  const primary = await startServer(t, { ...common, config: { ...login, ...config } });
  const following = { ...login, ...config, replicaof: `127.0.0.1 ${primary.port}` };
  const followers = await Promise.all(
    Array.from({ length: replicas }, () => startServer(t, { ...common, config: following })),
  );
  const port = await front(primary);
  const lines = [
    `sentinel monitor ${NAME} 127.0.0.1 ${port} ${Math.floor(sentinels / 2) + 1}`,
    `sentinel down-after-milliseconds ${NAME} ${downAfter}`,
    `sentinel failover-timeout ${NAME} 3000`,
    `sentinel parallel-syncs ${NAME} ${Math.max(1, replicas)}`,
    ...(password === undefined ? [] : [`sentinel auth-pass ${NAME} ${JSON.stringify(password)}`]),
    ...(sentinelPassword === undefined
      ? []
      : ['requirepass', 'sentinel sentinel-pass'].map(
          (word) => `${word} ${JSON.stringify(sentinelPassword)}`,
        )),
  ];
  const watching = await Promise.all(
    Array.from({ length: sentinels }, () =>
      startServer(t, { kind, sentinel: lines, password: sentinelPassword }),
    ),
  );
  const all = new Sentinels([primary, ...followers], watching, options, port);
  for (const sentinel of watching)
    await sentinel.command('SENTINEL', 'DEBUG', ...Object.entries(PERIODS).flat());
  await all.inStep();
  const counts = { 'num-slaves': `${replicas}`, 'num-other-sentinels': `${sentinels - 1}`, flags: 'master' };
  await explained(watching, () =>
    until('the Sentinels know each other and the replicas', async () => {
      for (const sentinel of watching) {
        const state = pairs(await sentinel.command('SENTINEL', 'MASTER', NAME));
        for (const [name, value] of Object.entries(counts))
          if (state[name] !== value) throw new Error(`${name} is ${state[name]} instead of ${value}`);
      }
      return true;
    }),
  );
  return all;
}

module.exports = { startSentinels };
