'use strict';
// A race is run several times, for another user each time, until it is lost; what was seen then is the evidence.

const { CannotAsk } = require('./client.js');
const { CannotRun } = require('./races/steps.js');

/**
 * @typedef {import('./races/steps.js').Race} Race
 * @typedef {import('./races/steps.js').Round} Round
 * @typedef {{ what: string, sent: number, done: number, status: number }} Sight one request, in milliseconds from the first
 *
 * @typedef {object} Finding
 * @property {string} race
 * @property {'found' | 'clean' | 'not run' | 'left out'} verdict left out: the configuration has nothing, or nobody, for it
 * @property {string} says
 * @property {number} rounds
 * @property {number} tried
 * @property {number} violations
 * @property {string} [example]
 * @property {Sight[]} [evidence] of the first violation
 */

const SIGHTS = 50;

/**
 * @param {Race} race
 * @param {import('./client.js').Client} client
 * @param {import('./config.js').Bounded} config
 * @param {(round: number) => import('./client.js').Values | undefined} user nobody where none is left
 * @returns {Promise<Finding>}
 */
async function runRace(race, client, config, user) {
  /** @type {Finding} */
  const finding = { race: race.name, verdict: 'not run', says: '', rounds: 0, tried: 0, violations: 0 };
  const lacking = race.lacks(config);
  if (lacking !== undefined)
    return { ...finding, verdict: 'left out', says: `the configuration does not say ${lacking}` };
  try {
    for (let round = 0; round < config.bounds.rounds; round++) {
      const values = user(round);
      if (values === undefined) {
        Object.assign(finding, { verdict: 'left out', says: 'no user is left who has not been used' });
        break;
      }
      const { tried, violations, example, seen = [] } = await race.run(client, config, values);
      finding.rounds++;
      finding.tried += tried;
      finding.violations += violations;
      if (violations === 0) continue;
      Object.assign(finding, { example, evidence: sights(seen) });
      break;
    }
  } catch (error) {
    if (!(error instanceof CannotRun) && !(error instanceof CannotAsk)) throw error;
    finding.says = error.message;
  }
  if (finding.violations > 0) finding.verdict = 'found';
  else if (finding.rounds > 0) finding.verdict = 'clean';
  return finding;
}

/** @param {NonNullable<Round['seen']>} seen @returns {Sight[]} */
function sights(seen) {
  const start = Math.min(...seen.map(({ answer }) => answer.sent));
  const ms = (/** @type {number} */ at) => Math.round((at - start) * 1000) / 1000;
  return seen
    .map(({ what, answer: { sent, done, status } }) => ({ what, sent: ms(sent), done: ms(done), status }))
    .sort((a, b) => a.sent - b.sent || a.done - b.done)
    .slice(0, SIGHTS);
}

module.exports = { runRace };
