// Every way in which servers stand together, of each kind: what holds on one server is asked of all of them.
'use strict';

const { after, before } = require('node:test');
const { startCluster } = require('./clusters.js');
const { startSentinels } = require('./sentinels.js');
const { KINDS, missing } = require('./servers.js');

/** @typedef {Awaited<ReturnType<typeof startSentinels>> | Awaited<ReturnType<typeof startCluster>>} Servers */

const WAYS = [
  { way: 'found by its Sentinels', start: startSentinels },
  { way: 'as a Cluster of three masters', start: startCluster },
];

/** @type {Array<{ name: string, missing: () => Promise<string | false>, start: (t: import('./started.js').Test) => Promise<Servers> }>} */
const TOPOLOGIES = KINDS.flatMap(({ kind, name }) =>
  WAYS.map(({ way, start }) => ({
    name: `${name} ${way}`,
    missing: () => missing(kind),
    start: (/** @type {import('./started.js').Test} */ t) => start(t, { kind }),
  })),
);

/**
 * For the suite that calls this: servers that are started before its first test and end after its last.
 * @template T
 * @param {(t: import('./started.js').Test) => Promise<T>} start
 * @param {string | false} [skip] where it is not to be started
 * @returns {() => T} in its tests
 */
function shared(start, skip = false) {
  /** @type {Array<() => any>} */
  const ends = [];
  /** @type {T} */
  let started;
  if (!skip)
    before(async () => {
      started = await start({ after: (end) => ends.unshift(end) });
    });
  after(async () => {
    for (const end of ends) await end();
  });
  return () => started;
}

module.exports = { TOPOLOGIES, shared };
