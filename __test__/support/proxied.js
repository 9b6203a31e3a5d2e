// Topologies whose every server is reached through a proxy alone: what Sentinels name, and what the nodes of a Cluster say of
// themselves, is the port of the proxy. So a reply can be lost there too.
'use strict';

const { startCluster } = require('./clusters.js');
const { startProxy } = require('./proxy.js');
const { startSentinels } = require('./sentinels.js');
const { KINDS, missing } = require('./servers.js');
const { until } = require('./started.js');

/** @typedef {import('./started.js').Test} Test */
/** @typedef {import('./servers.js').RealServer} Server */
/** @typedef {Awaited<ReturnType<typeof startProxy>>} Proxy */

class Proxied {
  /** @param {string} url for the option `store` @param {Server[]} nodes @param {Proxy[]} proxies one for each of them */
  constructor(url, nodes, proxies) {
    this.url = url;
    this.nodes = nodes;
    this.proxies = proxies;
  }

  /** The next reply of a script is lost, whichever server it is from. @param {Parameters<Proxy['loseReplies']>[1]} options */
  loseReply(options) {
    for (const proxy of this.proxies) proxy.loseReplies(1, options);
  }

  /** Nothing more is lost. */
  async pass() {
    for (const proxy of this.proxies) await proxy.pass();
  }

  /** Replies, so far. */
  get lost() {
    return this.proxies.reduce((sum, { lost }) => sum + lost, 0);
  }

  /** Connections that were accepted so far. */
  get connections() {
    return this.proxies.reduce((sum, { connections }) => sum + connections, 0);
  }

  /** Of all servers. */
  async scriptsRun() {
    let sum = 0;
    for (const node of this.nodes) sum += await node.scriptsRun();
    return sum;
  }
}

/** @param {Test} t @param {'redis' | 'valkey'} kind */
async function proxiedSentinels(t, kind) {
  /** @type {Proxy[]} */
  const proxies = [];
  const front = async (/** @type {Server} */ primary) => {
    proxies.push(await startProxy(t, { port: primary.port }));
    return proxies[0].port;
  };
  // Replicas would follow through the proxy, which reads commands and replies alone.
  const set = await startSentinels(t, { kind, replicas: 0, front });
  return new Proxied(set.url(), set.nodes, proxies);
}

/** @param {Test} t @param {'redis' | 'valkey'} kind */
async function proxiedCluster(t, kind) {
  const { nodes } = await startCluster(t, { kind, replicas: 0 });
  const proxies = await Promise.all(nodes.map(({ port }) => startProxy(t, { port })));
  for (const [index, node] of nodes.entries()) {
    await node.configure('cluster-announce-bus-port', node.busPort);
    await node.configure('cluster-announce-port', proxies[index].port);
  }
  await until('every node names the proxies alone', async () => {
    for (const node of nodes)
      for (const [, , [, port]] of await node.command('CLUSTER', 'SLOTS'))
        if (!proxies.some((proxy) => proxy.port === Number(port))) return false;
    return true;
  });
  const hosts = proxies.map(({ port }) => `127.0.0.1:${port}`);
  return new Proxied(`redis-cluster://${hosts.join(',')}`, nodes, proxies);
}

const WAYS = [
  { way: 'named by Sentinels', start: proxiedSentinels },
  { way: 'in a Cluster', start: proxiedCluster },
];

const PROXIED = KINDS.flatMap(({ kind, name }) =>
  WAYS.map(({ way, start }) => ({
    name: `${name} ${way}`,
    missing: () => missing(kind),
    start: (/** @type {Test} */ t) => start(t, kind),
  })),
);

module.exports = { PROXIED };
