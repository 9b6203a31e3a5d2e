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
  /** Of the node that is told, and for each who listens there: of messages that come one by one, and of many together. */
  publish: 15,
  deliver: 4,
  publishTogether: 3,
  deliverTogether: 0.23,
  /** A user with one session, each further session, a window quota, an API key. */
  user: 434,
  session: 96,
  quota: 80,
  key: 405,
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

/**
 * What the master of one user is asked for, as a share of a core: by that user, and by the others, who are spread over all of
 * them.
 * @param {number} rate decisions a second @param {number} servers @param {number} share of all decisions, of that user @param {number} [cost]
 */
const hottest = (rate, servers, share, cost = COSTS.lone) =>
  (rate * (share + (1 - share) / servers) * cost) / 1e6;

/** The largest share that one user may have before their master is so full. @param {number} rate @param {number} servers @param {number} load @param {number} [cost] */
const largestShare = (rate, servers, load, cost = COSTS.lone) =>
  Math.max(0, Math.min(1, ((load * 1e6) / (rate * cost) - 1 / servers) / (1 - 1 / servers)));

/** A share of a core of every other node of a Cluster, for so many messages a second. @param {number} messages */
const busShare = (messages) => (messages * COSTS.bus) / 1e6;

/** Microseconds of the node that is told, for a message that goes to so many who listen there. @param {number} listeners @param {boolean} [together] many messages come at once */
const delivery = (listeners, together = false) =>
  together
    ? COSTS.publishTogether + listeners * COSTS.deliverTogether
    : COSTS.publish + listeners * COSTS.deliver;

/** A share of a core of the node that is told, for so many messages that go to so many who listen there. @param {number} messages @param {number} listeners */
const deliveryShare = (messages, listeners) => (messages * delivery(listeners)) / 1e6;

/** Messages a second that so much of a core takes, all of those who listen having chosen one node. @param {number} listeners @param {number} [share] @param {boolean} [together] */
const ceiling = (listeners, share = 1, together = false) => (share * 1e6) / delivery(listeners, together);

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

/** Who of so many asks next: all alike, or by Zipf's law, the first the busiest. @param {number} users @param {boolean} zipf @returns {(at: number) => number} from a number between 0 and 1 */
function draw(users, zipf) {
  if (!zipf) return (at) => Math.floor(at * users);
  const up = new Float64Array(users);
  let sum = 0;
  for (let rank = 0; rank < users; rank++) up[rank] = sum += 1 / (rank + 1);
  return (at) => {
    const wanted = at * sum;
    let [low, high] = [0, users - 1];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (up[middle] > wanted) high = middle;
      else low = middle + 1;
    }
    return low;
  };
}

/**
 * Requests that come at random instants, of users that are equally busy or are so by Zipf's law, to masters that take them one
 * after another.
 * @param {{ servers: number, users: number, rate: number, requests: number, cost?: number, seed?: number, zipf?: boolean }} settings
 *   seed: of the instants, of who asks, and with `zipf` of the users' names, and so of where they lie
 * @returns {{ load: number, fullest: number, hottest: number, busiest: number, mean: number, p99: number }} load, fullest, and
 *   hottest, which is that of the first user's master: shares of a core that were asked for; busiest: the first user's share of
 *   the requests; waits in microseconds
 */
function simulate({ servers, users, rate, requests, cost = COSTS.lone, seed = 1, zipf = false }) {
  const next = random(seed);
  const whose = draw(users, zipf);
  // Found out when a user first asks: 0 is nobody yet.
  const homes = new Uint16Array(users);
  const homeOf = (/** @type {number} */ user) => {
    if (homes[user] === 0)
      homes[user] = 1 + masterOf(zipf ? `user-${seed}-${user}` : `user-${user}`, servers);
    return homes[user] - 1;
  };
  const free = new Float64Array(servers);
  const busy = new Float64Array(servers);
  const waits = new Float64Array(requests);
  let now = 0;
  let ofFirst = 0;
  for (let n = 0; n < requests; n++) {
    now += (-Math.log(1 - next()) * 1e6) / rate;
    const user = whose(next());
    if (user === 0) ofFirst++;
    const server = homeOf(user);
    const start = Math.max(now, free[server]);
    waits[n] = start - now;
    free[server] = start + cost;
    busy[server] += cost;
  }
  waits.sort();
  return {
    load: busy.reduce((sum, each) => sum + each, 0) / servers / now,
    fullest: Math.max(...busy) / now,
    hottest: busy[homeOf(0)] / now,
    busiest: ofFirst / requests,
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
  ceiling,
  connections,
  connectionsAtOne,
  decisions,
  delivery,
  deliveryShare,
  hottest,
  largestShare,
  masters,
  peak,
  processes,
  simulate,
  spread,
  wait,
};
