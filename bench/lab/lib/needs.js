'use strict';
// Sees to it that what the lab needs is there, and says what could not be had: nothing is left out quietly.

const { faketimeLibrary, labTools, setupServers, which } = require('../../../scripts/lib/servers.js');
const { setup } = require('../../../scripts/setup.js');
const { installContenders } = require('../../lib/nodes.js');
const { startRedis } = require('../../lib/processes.js');
const { linkLatchgate } = require('./arena.js');
const { startPostgres } = require('./postgres.js');

/** Packages, the addon, servers. */
async function prepare() {
  await setup({ quiet: true });
  await setupServers({ tools: labTools() });
}

/**
 * @typedef {object} World
 * @property {Awaited<ReturnType<typeof startRedis>>} redis
 * @property {import('./postgres.js').Postgres} [database]
 * @property {() => Promise<void>} empty all that was written
 * @property {() => Promise<number>} keys how many there are in Redis
 * @property {() => Promise<void>} stop
 *
 * @param {import('../scenarios.js').Entry[]} scenarios
 * @returns {Promise<World>}
 */
async function startWorld(scenarios) {
  await installContenders();
  linkLatchgate();
  const redis = await startRedis();
  const wanted = scenarios.some(({ needs }) => needs === 'database');
  const starting = wanted ? startPostgres() : Promise.resolve(undefined);
  const database = await starting.catch(async (error) => {
    await redis.stop();
    throw error;
  });
  return {
    redis,
    database,
    empty: async () => {
      await redis.flush();
      await database?.empty();
    },
    keys: redis.keys,
    stop: async () => {
      await database?.stop();
      await redis.stop();
    },
  };
}

/**
 * What makes a run less than a whole one, for a reader.
 * @param {World} world
 * @param {{ scenarios: import('../scenarios.js').Entry[], processes: number[] }} plan
 * @returns {{ lines: string[], left: string[] }} left: the scenarios that cannot run
 */
function lacks({ database }, { scenarios, processes }) {
  const left = scenarios.filter(({ needs }) => needs === 'database' && !database).map(({ id }) => id);
  const many = processes.some((count) => count > 1);
  const clocks = scenarios.filter((scenario) => scenario.clocks).map(({ id }) => id);
  const lines = [];
  if (left.length > 0) lines.push(`${left.join(', ')} not run: install PostgreSQL`);
  if (many && which('nginx') === undefined)
    lines.push('several processes behind a cluster of Node, not behind nginx: install nginx');
  if (many && clocks.length > 0 && faketimeLibrary() === undefined)
    lines.push(`${clocks.join(', ')} with clocks that all agree: install libfaketime`);
  return { lines, left };
}

module.exports = { lacks, prepare, startWorld };
