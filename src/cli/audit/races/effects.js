'use strict';
// What requests leave behind: once is once, and all that was confirmed is in the sum.

const { found, isGood } = require('../client.js');
const { CannotRun, crowd, logIn, overTheEdge, seenAs, told } = require('./steps.js');

/** @typedef {import('./steps.js').Race} Race */
/** @typedef {import('../config.js').Config} Config */

/** @type {Race} */
const DONE_TWICE = {
  name: 'done twice',
  lacks: ({ once }) => (once === undefined ? 'once' : undefined),
  async run(client, config, values) {
    const once = /** @type {NonNullable<Config['once']>} */ (config.once);
    const { limit = 1 } = once;
    const mine = await logIn(client, config, values);
    const { last, granted, tried } = await overTheEdge(client, { request: once, values: mine, limit });
    if (granted === 0) throw new CannotRun(`what is done once was ${told(last[0])}`);
    return {
      tried,
      violations: Math.max(0, granted - limit),
      example: `done ${granted} times, ${limit} allowed`,
      seen: seenAs(last, 'once'),
    };
  },
};

/** @type {Race} */
const LOST_UPDATE = {
  name: 'lost update',
  lacks: ({ add, sum }) => (add === undefined ? 'add' : sum === undefined ? 'sum' : undefined),
  async run(client, config, values) {
    const add = /** @type {NonNullable<Config['add']>} */ (config.add);
    const sum = /** @type {NonNullable<Config['sum']>} */ (config.sum);
    const mine = await logIn(client, config, values);
    const read = async () => {
      const answer = await client.one(sum, mine);
      if (!isGood(answer)) throw new CannotRun(`the sum was ${told(answer)}`);
      const value = Number(found(answer, sum.value) ?? Number.NaN);
      if (!Number.isFinite(value)) throw new CannotRun(`there is no number at ${sum.value} in the sum`);
      return { answer, value };
    };
    const { value: before } = await read();
    const answers = await client.together(crowd(add, mine, client.parallel));
    const confirmed = answers.filter(isGood).length;
    if (confirmed === 0) throw new CannotRun(`what adds was ${told(answers[0])}`);
    // Those may have counted, or not.
    const unsure = answers.filter(({ status }) => status === 0 || status >= 500).length;
    const { answer, value: after } = await read();
    const counted = (after - before) / add.by;
    // Rounded: what is money to the app may have cents.
    const missing = Math.round(Math.max(0, confirmed - counted));
    const surplus = Math.round(Math.max(0, counted - confirmed - unsure));
    return {
      tried: answers.length,
      violations: missing + surplus,
      example: `${confirmed} times ${add.by} was confirmed, and the sum went from ${before} to ${after}`,
      seen: [...seenAs(answers, 'add'), ...seenAs([answer], 'sum')],
    };
  },
};

module.exports = { DONE_TWICE, LOST_UPDATE };
