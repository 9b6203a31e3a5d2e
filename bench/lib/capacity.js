'use strict';
// How far it goes: the arithmetic of docs/scaling.md, from what was measured, and a simulation of the same by which it is
// checked. Nothing here asks a server.

/**
 * Measured: microseconds of processor time, and bytes. Where from stands in docs/scaling.md.
 */
const COSTS = {
  /** Of a master for one decision with a quota, all in: calls that come one by one over many connections, or many together. */
  lone: 12,
  together: 6,
  /** Of a Node process for a whole Express request that is decided on Redis, with a quota, and whose handler does nothing. */
  request: 20,
  /** Of every other node of a Cluster for a message that is published on one. */
  bus: 9,
  /** Of the node that is told, and for each who listens there. */
  publish: 15,
  deliver: 4,
  /** A user with one session, each further session, a window quota, an API key. */
  user: 433,
  session: 96,
  quota: 80,
  key: 389,
};

/** Shares of a core that are planned for: a server has one, and who waits for it waits the longer the fuller it is. */
const LOAD = { master: 0.6, node: 0.7 };
/** Memory beside what was weighed: copies while a server saves or a replica joins, and gaps. */
const ROOM = 1.5;
const BUCKETS = 16_384;

/** Decisions a second of so many masters. @param {number} masters @param {number} [cost] @param {number} [load] */
const decisions = (masters, cost = COSTS.lone, load = LOAD.master) => (masters * load * 1e6) / cost;

/** @param {number} rate decisions a second @param {number} [cost] */
const masters = (rate, cost = COSTS.lone) => Math.ceil((rate * cost) / 1e6 / LOAD.master);

/** Cores of Node for so many requests a second, whose handlers take so many microseconds. @param {number} rate @param {number} [handler] */
const processes = (rate, handler = 0) => Math.ceil((rate * (COSTS.request + handler)) / 1e6 / LOAD.node);

/** Of all processes: one to each master, one that listens, and where replicas are waited for another one to each master. @param {number} nodes @param {number} servers @param {boolean} [acks] */
const connections = (nodes, servers, acks = false) => nodes * (servers * (acks ? 2 : 1) + 1);

/** At one master, at most: all who listen may have chosen it. @param {number} nodes @param {boolean} [acks] */
const connectionsAtOne = (nodes, acks = false) => nodes * (acks ? 3 : 2);

/** Bytes of all masters together, room included. @param {number} users @param {{ sessions?: number, quotas?: number, keys?: number }} [each] */
const bytes = (users, { sessions = 1, quotas = 1, keys = 0 } = {}) =>
  users * (COSTS.user + (sessions - 1) * COSTS.session + quotas * COSTS.quota + keys * COSTS.key) * ROOM;

/** How full the fullest of so many masters is, 1 being the mean, users being equally busy: by where the tags lie, and by chance. @param {number} servers @param {number} users */
const peak = (servers, users) =>
  fullestOfTags(servers) * (1 + Math.sqrt((2 * Math.log(servers) * servers) / users));

/** @param {number} servers */
function fullestOfTags(servers) {
  const tags = new Array(servers).fill(0);
  for (let tag = 0; tag < BUCKETS; tag++) tags[serverOf(tag, servers)]++;
  return (Math.max(...tags) * servers) / BUCKETS;
}

/** Mean wait for a server that takes `cost` for each and is so full (Pollaczek and Khinchine, constant service). @param {number} load @param {number} [cost] */
const wait = (load, cost = COSTS.lone) => (cost * load) / (2 * (1 - load));

/** The share of the busiest of so many users, by Zipf's law. @param {number} users */
const busiest = (users) => 1 / (Math.log(users) + 0.5772);

/** A share of a core of every other node of a Cluster, for so many messages a second. @param {number} messages */
const busShare = (messages) => (messages * COSTS.bus) / 1e6;

/** A share of a core of the node that is told, for so many messages that go to so many who listen there. @param {number} messages @param {number} listeners */
const deliveryShare = (messages, listeners) => (messages * (COSTS.publish + listeners * COSTS.deliver)) / 1e6;

/** CRC16 (XMODEM) mod 16384. @param {string} text */
function bucket(text) {
  let crc = 0;
  for (let at = 0; at < text.length; at++) {
    crc ^= text.charCodeAt(at) << 8;
    for (let bit = 0; bit < 8; bit++) crc = ((crc & 0x8000) === 0 ? crc << 1 : (crc << 1) ^ 0x1021) & 0xffff;
  }
  return crc % BUCKETS;
}

/** Numbers from 0 to 1, the same ones for the same seed (mulberry32). @param {number} seed */
function random(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Who serves a tag, the slots being shared out evenly. @param {number} tag the bucket of a user @param {number} servers */
const serverOf = (tag, servers) => Math.floor((bucket(String(tag)) * servers) / BUCKETS);

/** @param {string} user @param {number} servers */
const masterOf = (user, servers) => serverOf(bucket(user), servers);

/**
 * Requests that come at random instants, of users that are equally busy, to masters that take them one after another.
 * @param {{ servers: number, users: number, rate: number, requests: number, cost?: number, seed?: number }} settings
 * @returns {{ load: number, fullest: number, mean: number, p99: number }} load and fullest: shares of a core; waits in microseconds
 */
function simulate({ servers, users, rate, requests, cost = COSTS.lone, seed = 1 }) {
  const next = random(seed);
  const free = new Float64Array(servers);
  const busy = new Float64Array(servers);
  const waits = new Float64Array(requests);
  let now = 0;
  for (let n = 0; n < requests; n++) {
    now += (-Math.log(1 - next()) * 1e6) / rate;
    const server = masterOf(`user-${Math.floor(next() * users)}`, servers);
    const start = Math.max(now, free[server]);
    waits[n] = start - now;
    free[server] = start + cost;
    busy[server] += cost;
  }
  waits.sort();
  return {
    load: busy.reduce((sum, each) => sum + each, 0) / servers / now,
    fullest: Math.max(...busy) / now,
    mean: waits.reduce((sum, each) => sum + each, 0) / requests,
    p99: waits[Math.floor(requests * 0.99)],
  };
}

/** How many of so many users each master has. @param {number} servers @param {number} users @returns {number[]} */
function spread(servers, users) {
  const counts = new Array(servers).fill(0);
  for (let n = 0; n < users; n++) counts[masterOf(`user-${n}`, servers)]++;
  return counts;
}

module.exports = {
  COSTS,
  LOAD,
  busShare,
  busiest,
  bytes,
  connections,
  connectionsAtOne,
  decisions,
  deliveryShare,
  masters,
  peak,
  processes,
  simulate,
  spread,
  wait,
};
