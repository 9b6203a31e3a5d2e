// Crowds of processes for the races of a suite: one for all whose clocks are right, and another for each that wants them wrong.
'use strict';

const { noFaketime, startProcesses } = require('./processes.js');
const { shared } = require('./topologies.js');

/** @typedef {Awaited<ReturnType<typeof startProcesses>>} Crowd */

/**
 * For the suite that calls this.
 * @param {string} app a file of support/apps
 * @param {(t: import('./started.js').Test) => Promise<{ url: () => string }>} start the servers
 * @param {string | false} absent why they cannot be started here
 */
function crowds(app, start, absent) {
  const common = shared(async (t) => {
    const env = { STORE: (await start(t)).url() };
    return { env, crowd: await startProcesses(t, { app, env }) };
  }, absent);
  return {
    /** @param {{ clocks?: number[] }} race */
    skip: ({ clocks }) => absent || (clocks !== undefined && noFaketime()),
    /** @param {import('./started.js').Test} t @param {{ clocks?: number[] }} race @returns {Promise<Crowd>} */
    crowd: async (t, { clocks }) => {
      const { env, crowd } = common();
      return clocks === undefined ? crowd : startProcesses(t, { app, env, clocks });
    },
  };
}

module.exports = { crowds };
