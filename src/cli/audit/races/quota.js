'use strict';
// A rationed route: not one unit too many, and none kept back from a crowd.

const { isGood } = require('../client.js');
const { CannotRun, crowd, logIn, overTheEdge, seenAs, told } = require('./steps.js');

/** @typedef {import('./steps.js').Race} Race */
/** @typedef {NonNullable<import('../config.js').Config['quota']>} Quota */

/** @param {import('../config.js').Config} config */
const lacks = ({ quota }) => (quota === undefined ? 'quota' : undefined);

/** @type {Race} */
const OVERSPENDING = {
  name: 'overspending',
  lacks,
  async run(client, config, values) {
    const quota = /** @type {Quota} */ (config.quota);
    const { limit } = quota;
    const mine = await logIn(client, config, values);
    const { last, granted, tried } = await overTheEdge(client, { request: quota, values: mine, limit });
    if (granted === 0) throw new CannotRun(`the rationed route was ${told(last[0])}`);
    return {
      tried,
      violations: Math.max(0, granted - limit),
      example: `${granted} requests were let through, ${limit} are allowed`,
      seen: seenAs(last, 'rationed'),
    };
  },
};

/** @type {Race} */
const WRONG_REFUSAL = {
  name: 'wrong refusal',
  fresh: true,
  lacks,
  async run(client, config, values) {
    const quota = /** @type {Quota} */ (config.quota);
    const mine = await logIn(client, config, values);
    const answers = await client.together(crowd(quota, mine, Math.min(quota.limit, client.parallel)));
    const granted = answers.filter(isGood).length;
    // One that was not answered may have been granted.
    const refused = answers.filter((answer) => answer.status !== 0 && !isGood(answer)).length;
    if (granted === 0) throw new CannotRun(`the rationed route was ${told(answers[0])}`);
    return {
      tried: answers.length,
      violations: refused,
      example: `${refused} of the first ${answers.length} requests were refused, ${quota.limit} are allowed`,
      seen: seenAs(answers, 'rationed'),
    };
  },
};

module.exports = { OVERSPENDING, WRONG_REFUSAL };
