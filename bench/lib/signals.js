'use strict';
// Row JS: how long after the call that revokes a user the signals of that user's requests abort, in all processes that hold some.

const { Child } = require('./processes.js');
const { quantile } = require('./stats.js');
const { sign } = require('./tokens.js');

/** Users revoked one after the other before anything is measured. */
const WARM = 20;

/** @param {Child} child @param {object} message */
async function asked(child, message) {
  const { result, error } = await child.ask(message);
  if (error !== undefined) throw new Error(`${child.name}: ${error}`);
  return result;
}

/**
 * @param {string} node
 * @param {{ port: number, processes: number, each: number, users: number }} load each: requests in every process
 * @returns {Promise<import('../rows.js').Measured>}
 */
async function measureSignals(node, { port, processes, each, users }) {
  const children = Array.from({ length: processes }, () => new Child(node, 'signals'));
  try {
    await Promise.all(children.map((child) => asked(child, { start: { port } })));
    /** @type {number[]} */
    const delays = [];
    /** Until the last of a user's signals has aborted, and until the call has resolved. @type {number[]} */
    const [lasts, calls] = [[], []];
    let early = 0;
    for (let at = -WARM; at < users; at++) {
      const user = `watched-${at}`;
      const job = { token: sign(user), count: each };
      await Promise.all(children.map((child) => asked(child, { method: 'watch', job })));
      // One of those who watch, and each in turn.
      const revoking = children[(at + WARM) % processes];
      const { called, done } = await asked(revoking, { method: 'revoke', job: { user } });
      const answers = await Promise.all(children.map((child) => asked(child, { method: 'aborted' })));
      const waits = answers.flatMap((answer) => answer.at).map((instant) => instant - called);
      early += waits.filter((wait) => wait < 0).length;
      if (at < 0) continue;
      delays.push(...waits);
      lasts.push(Math.max(...waits));
      calls.push(done - called);
    }
    const metrics = {
      'each p50': quantile(delays, 0.5),
      'each p99': quantile(delays, 0.99),
      'last p50': quantile(lasts, 0.5),
      'last p99': quantile(lasts, 0.99),
      'call p50': quantile(calls, 0.5),
    };
    return { metrics, counters: { early }, failed: 0 };
  } finally {
    await Promise.all(children.map((child) => child.end()));
  }
}

module.exports = { measureSignals };
