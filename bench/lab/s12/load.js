'use strict';
// Somebody tries tokens: good ones, expired ones, revoked ones, and some that he has changed.

const crypto = require('node:crypto');
const { arrivals } = require('../lib/random.js');
const { timeline, unanswered } = require('../lib/judge.js');

const KINDS = ['good', 'expired', 'revoked', 'changed', 'garbage'];
const HOUR = 3600;

/** A token as the app would have issued it. @param {object} claims @param {string} secret */
function signed(claims, secret) {
  const part = (/** @type {object} */ value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const input = `${part({ alg: 'HS256', typ: 'JWT' })}.${part(claims)}`;
  return `${input}.${crypto.createHmac('sha256', secret).update(input).digest('base64url')}`;
}

/** @type {import('../lib/app.js').Scenario} */
module.exports = {
  id: 'S12',
  title: 'Telling errors',
  unprotected: 'the message of jsonwebtoken, and one of its own (ioredis)',
  operation: 'refused tokens',
  violation: 'an answer by which an expired, a revoked and a changed token can be told apart',
  async plan({ rate, seconds, random, tag, ask, backOffice, secret }) {
    const token = async (/** @type {string} */ user) =>
      (await ask({ path: '/login', body: { user } })).body.token;
    const good = await token(`${tag}-good`);
    const revoked = await token(`${tag}-revoked`);
    await ask({ path: '/ban', token: backOffice, body: { user: `${tag}-revoked` } });
    const hoursAgo = Math.floor(Date.now() / 1000) - 2 * HOUR;
    const expired = signed({ sub: `${tag}-late`, iat: hoursAgo, exp: hoursAgo + HOUR }, secret);
    const [head, body, signature] = good.split('.');
    const changed = `${head}.${body}.${signature[0] === 'A' ? 'B' : 'A'}${signature.slice(1)}`;
    /** @type {Record<string, string>} */
    const tokens = { good, expired, revoked, changed, garbage: 'garbage' };
    const steps = arrivals(rate, seconds, random).map((at) => {
      const kind = KINDS[Math.floor(random() * KINDS.length)];
      return { at, call: () => ({ kind, about: kind, method: 'GET', path: '/me', token: tokens[kind] }) };
    });
    return { steps, judge };
  },
};

/**
 * Whoever is refused is answered as he who brings garbage.
 * @param {import('../lib/drive.js').Entry[]} log
 * @returns {import('../lib/app.js').Judged}
 */
function judge(log) {
  const refused = log.filter((entry) => entry.kind !== 'good' && !unanswered(entry));
  const text = (/** @type {import('../lib/drive.js').Entry} */ { status, body }) =>
    `${status} ${JSON.stringify(body)}`;
  const plain = refused.find(({ kind }) => kind === 'garbage');
  const telling = refused.filter((entry) => plain === undefined || text(entry) !== text(plain));
  const caught =
    telling[0] && timeline(`${telling[0].kind}: ${text(telling[0])}`, plain ? [plain] : [], telling[0]);
  return { tried: refused.length, violations: telling.length, caught };
}
