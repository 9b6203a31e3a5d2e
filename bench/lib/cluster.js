'use strict';
// Row L: decisions a second of one server, and of Clusters; by one client process and by several.

const { startCluster } = require('../../__test__/support/clusters.js');
const { startServer } = require('../../__test__/support/servers.js');
const { Child } = require('./processes.js');

/** @typedef {import('../../__test__/support/servers.js').RealServer} Server */

/** In flight, of each client process. */
const DEPTH = 256;
const PROCESSES = [1, 2];

/** @param {Child} child @param {string} method @param {object} [job] */
async function tell(child, method, job = {}) {
  const { result, error } = await child.ask({ method, job });
  if (error !== undefined) throw new Error(`${child.name}: ${error}`);
  return result;
}

/** Of each server so far: processor time in seconds. @param {Server[]} servers */
async function processorTimes(servers) {
  const all = await Promise.all(servers.map((server) => server.info('cpu')));
  return all.map((each) => Number(each.used_cpu_user) + Number(each.used_cpu_sys));
}

const sum = (/** @type {number[]} */ values) => values.reduce((total, value) => total + value, 0);

/** @param {Child[]} children @param {Server[]} servers @param {number} ms */
async function load(children, servers, ms) {
  const before = await processorTimes(servers);
  const results = await Promise.all(children.map((child) => tell(child, 'load', { depth: DEPTH, ms })));
  const times = (await processorTimes(servers)).map((time, at) => time - before[at]);
  const count = sum(results.map((result) => result.count));
  const seconds = Math.max(...results.map((result) => result.seconds));
  const client = sum(results.map((result) => result.cpuMicros * result.count)) / count;
  return {
    refused: sum(results.map((result) => result.refused)),
    rate: count / seconds,
    client,
    server: (sum(times) * 1e6) / count,
    // What the fullest master would do if it had a core of its own, and so had all others.
    uncapped: count / Math.max(...times),
    cores: (client * count) / 1e6 / seconds + sum(times) / seconds,
  };
}

/**
 * @param {string} node
 * @param {{ masters: number, ms: number }} size one master: a server of its own, in no Cluster
 * @returns {Promise<import('../rows.js').Measured>}
 */
async function measureCluster(node, { masters, ms }) {
  /** @type {Array<() => unknown>} */
  const ends = [];
  const scope = { after: (/** @type {() => unknown} */ end) => ends.push(end) };
  try {
    /** @type {Server[]} */
    let servers;
    let store;
    if (masters === 1) {
      servers = [await startServer(scope)];
      store = servers[0].url();
    } else {
      const cluster = await startCluster(scope, { masters, replicas: 0 });
      servers = cluster.nodes;
      store = cluster.url();
    }
    const children = Array.from({ length: Math.max(...PROCESSES) }, () => new Child(node, 'cluster'));
    ends.push(() => Promise.all(children.map((child) => child.end())));
    await Promise.all(children.map((child) => tell(child, 'start', { store })));
    await load(children, servers, ms);
    /** @type {Record<string, number>} */
    const metrics = {};
    let failed = 0;
    for (const count of PROCESSES) {
      const { refused, ...figures } = await load(children.slice(0, count), servers, ms);
      failed += refused;
      for (const [name, value] of Object.entries(figures)) metrics[`${name} ${count}`] = value;
    }
    metrics.best = Math.max(...PROCESSES.map((count) => metrics[`rate ${count}`]));
    return { metrics, counters: await tell(children[0], 'races'), failed };
  } finally {
    for (const end of ends.reverse()) await end();
  }
}

module.exports = { measureCluster };
