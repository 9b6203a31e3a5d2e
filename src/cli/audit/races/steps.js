'use strict';
// What several races have in common: logging in, a crowd, and walking up to a limit before jumping over it.

const { isGood } = require('../client.js');

/**
 * @typedef {import('../client.js').Client} Client
 * @typedef {import('../client.js').Values} Values
 * @typedef {import('../config.js').Config} Config
 * @typedef {import('../config.js').Request} Request
 * @typedef {import('../gate.js').Answer} Answer
 *
 * @typedef {object} Round
 * @property {number} tried
 * @property {number} violations
 * @property {string} [example]
 * @property {Array<{ what: string, answer: Answer }>} [seen]
 *
 * @typedef {object} Race
 * @property {string} name
 * @property {boolean} [fresh] it takes only users whom no race has used: who has spent before would be refused rightly
 * @property {(config: Config) => string | undefined} lacks what the configuration would have to say
 * @property {(client: Client, config: Config, values: Values) => Promise<Round>} run
 */

class CannotRun extends Error {}

/** @param {Answer} answer @returns {string} such as "answered 503" */
const told = ({ status }) => (status === 0 ? 'not answered' : `answered ${status}`);

/** @param {Request} request @param {Values} values @param {number} count */
const crowd = (request, values, count) => Array.from({ length: count }, () => ({ request, values }));

/** @param {Answer[]} answers @param {string} what */
const seenAs = (answers, what) => answers.map((answer) => ({ what, answer }));

/** @param {Client} client @param {Config} config @param {Values} values @returns {Promise<Values>} */
async function logIn(client, { login }, values) {
  const answer = await client.one(login, values);
  const mine = client.credential(answer, values);
  if (mine === undefined) throw new CannotRun(`login was ${told(answer)}`);
  const places = Object.entries({
    ...login.values,
    ...(login.token === undefined ? {} : { token: login.token }),
  });
  for (const [name, place] of places)
    if (mine[name] === undefined) throw new CannotRun(`there is no ${place} in the answer to login`);
  return mine;
}

/**
 * Part after part up to the edge of what is allowed, and then so many together over it as may be.
 * @param {Client} client
 * @param {{ request: Request, values: Values, limit: number }} options
 */
async function overTheEdge(client, { request, values, limit }) {
  const edge = Math.max(0, limit - Math.ceil(client.parallel / 2));
  if (!client.affords(edge + client.parallel))
    throw new CannotRun(`a limit of ${limit} lies beyond bounds.requests`);
  const before = await client.all(crowd(request, values, edge));
  const last = await client.together(crowd(request, values, client.parallel));
  const granted = [...before, ...last].filter(isGood).length;
  return { before, last, granted, tried: before.length + last.length };
}

module.exports = { CannotRun, crowd, logIn, overTheEdge, seenAs, told };
