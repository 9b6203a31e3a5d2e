'use strict';
// Logins of one user, all together: not one too many, and none that was let in and is worth nothing.

const { credentials, isGood } = require('../client.js');
const { CannotRun, crowd, overTheEdge, seenAs, told } = require('./steps.js');

/** @typedef {import('./steps.js').Race} Race */

/** @param {import('../config.js').Config} config */
const lacks = ({ login }) => (login.sessionLimit === undefined ? 'login.sessionLimit' : undefined);

/** Where the route takes none of them that is no race, and no clean bill. @param {import('./steps.js').Answer[]} uses */
function assertTaken(uses) {
  if (!uses.some(isGood)) throw new CannotRun(`the credential of a login was ${told(uses[0])}`);
}

/** @type {Race} */
const OVER_ADMISSION = {
  name: 'over-admission',
  lacks,
  async run(client, { login, use }, values) {
    const limit = /** @type {number} */ (login.sessionLimit);
    const { before, last, tried } = await overTheEdge(client, { request: login, values, limit });
    const holders = credentials([...before, ...last], (answer) => client.credential(answer, values));
    if (holders.length === 0) throw new CannotRun(`login was ${told(last[0])}`);
    const uses = await client.all(holders.map((mine) => ({ request: use, values: mine })));
    assertTaken(uses);
    const working = uses.filter(isGood).length;
    return {
      tried,
      violations: Math.max(0, working - limit),
      example: `${working} sessions of one user work, ${limit} are allowed`,
      seen: [...seenAs(last.filter(isGood), 'login'), ...seenAs(uses.filter(isGood), 'use')],
    };
  },
};

/** @type {Race} */
const LOST_LOGIN = {
  name: 'lost login',
  lacks,
  async run(client, { login, use }, values) {
    const count = Math.min(/** @type {number} */ (login.sessionLimit), client.parallel);
    const logins = await client.together(crowd(login, values, count));
    const holders = credentials(logins, (answer) => client.credential(answer, values));
    if (holders.length === 0) throw new CannotRun(`login was ${told(logins[0])}`);
    const uses = await client.together(holders.map((mine) => ({ request: use, values: mine })));
    assertTaken(uses);
    const refused = uses.filter((answer) => answer.status !== 0 && !isGood(answer));
    return {
      tried: count,
      violations: refused.length,
      example: `${refused.length} of ${holders.length} sessions do not work that were let in together`,
      seen: [...seenAs(logins.filter(isGood), 'login'), ...seenAs(refused, 'use')],
    };
  },
};

module.exports = { LOST_LOGIN, OVER_ADMISSION };
