// Real Clusters on loopback: masters that share the slots, each with its replicas, ready when every node serves. Slots can be
// moved, nodes be killed, stopped and started. They end with the test.
'use strict';

const { startServer } = require('./servers.js');
const { until } = require('./started.js');

/** @typedef {import('./started.js').Test} Test */
/** @typedef {import('./servers.js').RealServer} Server */

const SLOTS = 16_384;

/** The slot of a key that holds no tag, or of a tag: CRC16 (XMODEM) mod 16384. @param {string} text */
function slotOf(text) {
  let crc = 0;
  for (const byte of Buffer.from(text)) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit++) crc = ((crc & 0x8000) === 0 ? crc << 1 : (crc << 1) ^ 0x1021) & 0xffff;
  }
  return crc % SLOTS;
}

/** The slot of everything of a user: its tag is the user's bucket as a decimal number. @param {string} user */
const slotOfUser = (user) => slotOf(String(slotOf(user)));

/**
 * @typedef {object} Options
 * @property {'redis' | 'valkey'} [kind]
 * @property {number} [masters] default 3
 * @property {number} [replicas] of each master, default 1
 * @property {number} [nodeTimeout] milliseconds, default 1000
 * @property {string} [password]
 * @property {boolean} [appendonly]
 * @property {Record<string, string | number>} [config]
 */

class Cluster {
  /** @type {Map<Server, string>} */
  #ids = new Map();

  /** @param {Server[]} nodes the first masters first @param {Options} options */
  constructor(nodes, options) {
    this.kind = options.kind ?? 'redis';
    this.nodes = nodes;
    this.password = options.password;
    this.config = configOf(options);
  }

  /** For the option `store`. @param {Server[]} [seeds] */
  url(seeds = this.nodes.slice(0, 3)) {
    const login = this.password === undefined ? '' : `:${encodeURIComponent(this.password)}@`;
    return `redis-cluster://${login}${seeds.map(({ port }) => `127.0.0.1:${port}`).join(',')}`;
  }

  /** @param {Server} node @returns {Promise<string>} */
  async id(node) {
    const id = this.#ids.get(node) ?? (await node.command('CLUSTER', 'MYID'));
    this.#ids.set(node, id);
    return id;
  }

  /**
   * Who serves which slots, as this node sees it.
   * @param {Server} [view] default: the first that answers
   * @returns {Promise<Array<{ from: number, to: number, master: Server, replicas: Server[] }>>}
   */
  async slots(view) {
    const node = view ?? (await this.#anybody());
    const at = (/** @type {any[]} */ [, port]) =>
      /** @type {Server} */ (this.nodes.find((each) => each.port === Number(port)));
    const ranges = await node.command('CLUSTER', 'SLOTS');
    return ranges.map((/** @type {any[]} */ [from, to, master, ...replicas]) => ({
      from,
      to,
      master: at(master),
      replicas: replicas.map(at),
    }));
  }

  async #anybody() {
    for (const node of this.nodes) {
      if (node.isStill) continue;
      const answer = await node.command('PING').catch(() => undefined);
      if (answer === 'PONG') return node;
    }
    throw new Error('no node of the Cluster answers');
  }

  /** @param {number} slot @returns {Promise<Server>} */
  async ownerOf(slot) {
    const range = (await this.slots()).find(({ from, to }) => from <= slot && slot <= to);
    if (range === undefined) throw new Error(`nobody serves slot ${slot}`);
    return range.master;
  }

  /** @returns {Promise<Server[]>} those that serve slots */
  async masters() {
    return [...new Set((await this.slots()).map(({ master }) => master))];
  }

  /** @param {Server} master @returns {Promise<Server[]>} */
  async replicasOf(master) {
    return [
      ...new Set((await this.slots()).flatMap((range) => (range.master === master ? range.replicas : []))),
    ];
  }

  /** Users whose slots a master serves. @param {Server} master @param {() => string} name @param {number} count */
  async usersOf(master, name, count) {
    const ranges = (await this.slots()).filter((range) => range.master === master);
    /** @type {string[]} */
    const users = [];
    while (users.length < count) {
      const user = name();
      const slot = slotOfUser(user);
      if (ranges.some(({ from, to }) => from <= slot && slot <= to)) users.push(user);
    }
    return users;
  }

  /** Begins to move a slot: its new owner takes what is asked for after ASKING, its old one sends those on whose keys it lacks. @param {number} slot @param {Server} to */
  async beginMove(slot, to) {
    const from = await this.ownerOf(slot);
    await to.command('CLUSTER', 'SETSLOT', slot, 'IMPORTING', await this.id(from));
    await from.command('CLUSTER', 'SETSLOT', slot, 'MIGRATING', await this.id(to));
    return from;
  }

  /** Moves keys of a slot that is being moved. @param {Server} from @param {Server} to @param {string[]} keys */
  async moveKeys(from, to, keys) {
    if (keys.length > 0) await from.command('MIGRATE', '127.0.0.1', to.port, '', 0, 5000, 'KEYS', ...keys);
  }

  /** @param {number} slot @param {Server} from @param {Server} to */
  async endMove(slot, from, to) {
    const id = await this.id(to);
    for (const node of [to, from]) await node.command('CLUSTER', 'SETSLOT', slot, 'NODE', id);
  }

  /** A whole slot, some keys at a time, while it may be in use. @param {number} slot @param {Server} to */
  async moveSlot(slot, to) {
    const from = await this.beginMove(slot, to);
    for (;;) {
      const keys = await from.command('CLUSTER', 'GETKEYSINSLOT', slot, 20);
      if (keys.length === 0) break;
      await this.moveKeys(from, to, keys);
    }
    await this.endMove(slot, from, to);
    await this.agreed(slot, to);
    return from;
  }

  /**
   * Until all nodes say who owns the slot, and have heard of the same epoch. Who moves on before gives two masters one epoch,
   * and of two claims to a slot the wrong one may win, with the loss of its keys: the nodes' way, not that of their clients.
   * @param {number} slot @param {Server} owner
   */
  async agreed(slot, owner) {
    await until('all agree on the owner of the slot', async () => {
      const epochs = new Set();
      for (const node of this.nodes) {
        if (node.isStill) continue;
        if (
          !(await this.slots(node)).some(
            (range) => range.master === owner && range.from <= slot && slot <= range.to,
          )
        )
          return false;
        epochs.add(/cluster_current_epoch:(\d+)/.exec(String(await node.command('CLUSTER', 'INFO')))?.[1]);
      }
      return epochs.size === 1;
    });
  }

  /** Another master, without slots, known to all. @param {Test} t */
  async join(t) {
    const { kind, password, config } = this;
    const node = await startServer(t, { kind, password, cluster: true, config });
    const [first] = this.nodes;
    await node.command('CLUSTER', 'MEET', '127.0.0.1', first.port, first.busPort);
    this.nodes.push(node);
    await this.whole();
    return node;
  }

  /** Until the slots of this master are served by another, and that one says so itself. @param {Server} old @param {number} slot one of its slots */
  async failedOver(old, slot) {
    return until('another node serves the slots', async () => {
      const master = await this.ownerOf(slot);
      return master !== old && (await master.command('ROLE'))[0] === 'master' && master;
    });
  }

  /** Until the Auth goes to the masters that there are now, and reaches each. @param {import('latchgate').Auth} auth */
  async leads(auth) {
    await until('the Auth is connected to all masters', async () => {
      const { ok, primary, unreachable } = await auth.health();
      const masters = (await this.masters()).map(({ port }) => `127.0.0.1:${port}`);
      return ok && unreachable?.length === 0 && String([primary].flat().sort()) === String(masters.sort());
    });
  }

  /** Until the node follows another. @param {Server} node */
  async follows(node) {
    await until('the node is a replica', async () => {
      const [role, , , state] = await node.command('ROLE');
      return role === 'slave' && state === 'connected';
    });
  }

  /** Until every node that runs sees all slots served and nobody failing. */
  async whole() {
    await until('the Cluster is whole', async () => {
      for (const node of this.nodes) {
        if (node.isStill) continue;
        const lines = String(await node.command('CLUSTER', 'INFO'));
        if (!/cluster_state:ok/.test(lines) || !/cluster_slots_ok:16384/.test(lines)) return false;
        if (!new RegExp(`cluster_known_nodes:${this.nodes.length}\\r`).test(lines)) return false;
        if ((await node.command('ROLE'))[0] === 'slave' && (await node.command('ROLE'))[3] !== 'connected')
          return false;
      }
      return true;
    });
  }

  /** Of one kind of error reply, on all nodes that run. @param {'MOVED' | 'ASK' | 'TRYAGAIN'} kind */
  async errors(kind) {
    let sum = 0;
    for (const node of this.nodes) {
      if (node.isStill) continue;
      const { [`errorstat_${kind}`]: line = 'count=0' } = await node.info('errorstats');
      sum += Number(/count=(\d+)/.exec(line)?.[1]);
    }
    return sum;
  }

  /** Of each command, on all nodes. @returns {Promise<Record<string, number>>} */
  async commandstats() {
    /** @type {Record<string, number>} */
    const sums = {};
    for (const node of this.nodes)
      for (const [name, calls] of Object.entries(await node.commandstats()))
        sums[name] = (sums[name] ?? 0) + calls;
    return sums;
  }

  async resetStats() {
    for (const node of this.nodes) await node.resetStats();
  }

  /** Keys of all masters, sorted. @returns {Promise<string[]>} */
  async keys() {
    return (await Promise.all((await this.masters()).map((master) => master.keys()))).flat().sort();
  }
}

/** @param {Options} options @returns {Record<string, string | number>} */
const configOf = ({ nodeTimeout = 1000, password, config }) => ({
  'cluster-node-timeout': nodeTimeout,
  'cluster-require-full-coverage': 'no',
  'cluster-allow-replica-migration': 'no',
  ...(password === undefined ? {} : { masterauth: JSON.stringify(password) }),
  ...config,
});

/**
 * @param {Test} t
 * @param {Options} [options]
 */
async function startCluster(t, options = {}) {
  const { kind = 'redis', masters = 3, replicas = 1, password, appendonly } = options;
  const config = configOf(options);
  const nodes = await Promise.all(
    Array.from({ length: masters * (1 + replicas) }, () =>
      startServer(t, { kind, password, appendonly, cluster: true, config }),
    ),
  );
  const cluster = new Cluster(nodes, options);
  const [first] = nodes;
  for (const [index, node] of nodes.entries()) {
    await node.command('CLUSTER', 'SET-CONFIG-EPOCH', index + 1);
    if (index < masters) {
      const [from, to] = [index, index + 1].map((each) => Math.round((each * SLOTS) / masters));
      await node.command('CLUSTER', 'ADDSLOTSRANGE', from, to - 1);
    }
    if (node !== first) await node.command('CLUSTER', 'MEET', '127.0.0.1', first.port, first.busPort);
  }
  for (const [index, node] of nodes.entries()) {
    if (index < masters) continue;
    const id = await cluster.id(nodes[index % masters]);
    await until('the replica knows its master', async () => {
      await node.command('CLUSTER', 'REPLICATE', id);
      return true;
    });
  }
  await cluster.whole();
  await until('every node knows all replicas', async () => {
    for (const node of nodes)
      for (const range of await cluster.slots(node)) if (range.replicas.length !== replicas) return false;
    return true;
  });
  return cluster;
}

module.exports = { slotOf, slotOfUser, startCluster };
