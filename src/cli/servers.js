'use strict';
// Which servers a store consists of, as they are now: one, the primary that Sentinels name, or the primaries of a Cluster.

const { allowed, found } = require('./examine.js');
const { connect } = require('./resp.js');

/**
 * @typedef {import('./store-url.js').StoreUrl} StoreUrl
 * @typedef {import('./store-url.js').Host} Host
 * @typedef {import('./examine.js').Finding} Finding
 * @typedef {{ servers: Array<{ address: string, target: import('./resp.js').Target }>, findings: Finding[] }} Found
 */

const SLOTS = 16_384;

/** @param {StoreUrl} url @returns {Promise<Found>} */
async function findServers(url) {
  if (url.topology === 'sentinel') return bySentinels(url);
  if (url.topology === 'cluster') return ofCluster(url);
  if (url.path !== undefined) {
    const { tls, insecure, login, db, path } = url;
    return { servers: [{ address: path, target: { path, tls, insecure, login, db } }], findings: [] };
  }
  return { servers: url.hosts.slice(0, 1).map((host) => server(url, host)), findings: [] };
}

/** @param {StoreUrl} url @param {Host} host */
function server({ tls, insecure, login, db }, { host, port }) {
  return { address: `${host}:${port}`, target: { host, port, tls, insecure, login, db } };
}

/** @param {StoreUrl} url @returns {Promise<Found>} */
async function bySentinels(url) {
  /** @type {Finding[]} */
  const findings = [];
  /** @type {Map<string, Host>} */
  const primaries = new Map();
  const { tls, insecure, sentinelLogin: login, master = '' } = url;
  let quorum = 0;
  for (const { host, port } of url.hosts) {
    const name = `${host}:${port}`;
    try {
      const sentinel = await connect({ host, port, tls, insecure, login, db: 0 });
      try {
        const named = await sentinel.command('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', master);
        if (named === null)
          findings.push(found('sentinels', 'problem', `${name} knows no primary of that name`));
        else primaries.set(named.join(':'), { host: named[0], port: Number(named[1]) });
        quorum =
          Number(member(await allowed(sentinel.command('SENTINEL', 'MASTER', master)), 'quorum')) || quorum;
      } finally {
        sentinel.close();
      }
    } catch (error) {
      findings.push(found('sentinels', 'warning', `${name}: ${reason(error)}`));
    }
  }
  const answering = url.hosts.length - findings.length;
  findings.push(sentinelCount(answering, url.hosts.length, quorum));
  if (primaries.size > 1)
    findings.push(
      found(
        'sentinels',
        'problem',
        'they name different primaries: a failover is under way, or the network is parted',
      ),
    );
  return { servers: [...primaries.values()].slice(0, 1).map((host) => server(url, host)), findings };
}

/** @param {number} answering @param {number} all @param {number} quorum */
function sentinelCount(answering, all, quorum) {
  const text = `${answering} of ${all} answer, quorum ${quorum || 'not known'}`;
  if (answering === 0) return found('sentinels', 'problem', 'none of them knows the primary');
  return all < 3
    ? found(
        'sentinels',
        'warning',
        `${text}; fewer than three are named: where one is lost, the others may not agree`,
      )
    : found('sentinels', 'ok', text);
}

/** Of a flat list of names and values. @param {unknown} list @param {string} name */
function member(list, name) {
  return Array.isArray(list) ? list[list.indexOf(name) + 1] : undefined;
}

/** @param {StoreUrl} url @returns {Promise<Found>} */
async function ofCluster(url) {
  /** @type {Finding[]} */
  const findings = [];
  if (url.db !== 0) findings.push(found('cluster', 'problem', 'a Cluster has database 0 alone'));
  for (const seed of url.hosts) {
    try {
      const node = await connect({ ...server(url, seed).target, db: 0 });
      try {
        return ofSlots(url, seed, await node.command('CLUSTER', 'SLOTS'), findings);
      } finally {
        node.close();
      }
    } catch (error) {
      findings.push(found('cluster', 'warning', `${seed.host}:${seed.port}: ${reason(error)}`));
    }
  }
  return { servers: [], findings: [...findings, found('cluster', 'problem', 'no node answers')] };
}

/**
 * @param {StoreUrl} url
 * @param {Host} seed
 * @param {any[]} ranges of CLUSTER SLOTS
 * @param {Finding[]} findings
 * @returns {Found}
 */
function ofSlots(url, seed, ranges, findings) {
  /** @type {Map<string, Host>} */
  const primaries = new Map();
  let served = 0;
  for (const [first, last, [host, port]] of ranges) {
    served += last - first + 1;
    // A node that does not know its own name leaves it out: it is the one that was asked.
    const named = { host: host || seed.host, port };
    primaries.set(`${named.host}:${port}`, named);
  }
  const text = `slots served: ${served} of ${SLOTS}; primaries: ${primaries.size}`;
  findings.push(found('cluster', served === SLOTS ? 'ok' : 'problem', text));
  return { servers: [...primaries.values()].map((host) => server({ ...url, db: 0 }, host)), findings };
}

/** Messages of the system hold addresses, which the reader has named. @param {unknown} error */
function reason(error) {
  const { code, message, errors } = /** @type {any} */ (error);
  return message || errors?.[0]?.message || code || 'it cannot be reached';
}

module.exports = { findServers, reason };
