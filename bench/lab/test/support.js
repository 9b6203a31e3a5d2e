// What the lab's plans are asked in specs, where no app runs: an app that says yes, and entries of a log made by hand.
'use strict';

const { randomOf } = require('../lib/random.js');
const { SCENARIOS } = require('../scenarios.js');

/**
 * @typedef {import('../lib/app.js').Load} Load
 * @typedef {import('../lib/drive.js').Entry} Entry
 */

/** @param {string} id */
const scenarioOf = (id) =>
  /** @type {import('../scenarios.js').Entry} */ (SCENARIOS.find((each) => each.id === id));

/** Tells the same for the same call, and a token that has three parts. @type {Load['ask']} */
async function yes({ path, body }) {
  const about = JSON.stringify(body ?? path);
  return {
    status: 200,
    body: { token: `a.${about}.c`, refreshToken: `r ${about}`, key: `k ${about}`, id: `i ${about}` },
  };
}

/** @param {string} id @param {Partial<Load>} [load] */
const planOf = (id, load = {}) =>
  scenarioOf(id).plan({
    rate: 100,
    seconds: 1,
    random: randomOf(1),
    tag: 't',
    backOffice: 'a token of the back office',
    secret: 'a secret for specs, of thirty-two bytes',
    ask: yes,
    keys: async () => 0,
    ...load,
  });

/** From `sent` to `done`. @param {string} kind @param {any} about @param {[number, number]} span @param {number} [status] @param {any} [body] @returns {Entry} */
const entry = (kind, about, [sent, done], status = 200, body = {}) => {
  return { kind, about, due: sent, sent, done, clock: done, status, body };
};

/** The judge sees what was answered in the order of the answers. @param {Entry[]} entries */
const logOf = (...entries) => entries.sort((a, b) => a.done - b.done);

module.exports = { entry, logOf, planOf, scenarioOf, yes };
