'use strict';
// The counter beside every row of figures: races for a quota and for sessions, and a revoked token. A contender that lets one
// request too many through, or one too few, has no figures.

const { QUOTAS, SESSIONS } = require('./settings.js');
const { sign } = require('./tokens.js');

/**
 * @typedef {object} Counters all zero where all is well
 * @property {number} overGrants
 * @property {number} overAdmissions
 * @property {number} acceptedAfterRevoke
 * @property {number} wronglyRefused
 */

/**
 * @param {(token: string) => Promise<boolean>} ask one request, charged to the small quota of its user
 * @param {(token: string) => Promise<unknown>} revoke
 * @returns {Promise<Counters>}
 */
async function correctness(ask, revoke) {
  const once = sign('race-quota');
  const granted = await passing(
    Array.from({ length: 3 * QUOTAS.small.limit }, () => once),
    ask,
  );

  const sessions = Array.from({ length: 20 }, (_, at) => sign('race-sessions', `session-${at}`));
  const admitted = await passing(sessions, ask);

  const token = sign('race-revoked');
  const before = await ask(token);
  await revoke(token);
  const after = await passing(
    Array.from({ length: 20 }, () => token),
    ask,
  );

  return {
    overGrants: Math.max(0, granted - QUOTAS.small.limit),
    overAdmissions: Math.max(0, admitted - SESSIONS.limit),
    acceptedAfterRevoke: after,
    wronglyRefused:
      Math.max(0, QUOTAS.small.limit - granted) + Math.max(0, SESSIONS.limit - admitted) + (before ? 0 : 1),
  };
}

/** @param {string[]} tokens all at once @param {(token: string) => Promise<boolean>} ask */
async function passing(tokens, ask) {
  const answers = await Promise.all(tokens.map((token) => ask(token)));
  return answers.filter(Boolean).length;
}

module.exports = { correctness };
