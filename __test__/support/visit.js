// What a user leaves in a store who comes, does everything once, and never comes again.
'use strict';

const assert = require('node:assert/strict');
const { token } = require('./jwt.js');

/** @typedef {import('latchgate').Auth} Auth */

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** All that a visit leaves is forgotten by then: what is remembered longest is a revoked API key, for 30 days and some hours. */
const FORGOTTEN = 32 * DAY;

const WINDOW = { limit: 9, window: '1h' };
const BUCKET = { ...WINDOW, algorithm: /** @type {const} */ ('bucket') };
const OPTIONS = /** @type {import('latchgate').AuthOptions} */ ({
  sessions: { limit: 3, admission: 'first-use', idleTimeout: '1h', absoluteTimeout: '10h' },
  apiKeys: {},
});

/** @param {Auth} auth @param {string} user @param {number} now */
async function visit(auth, user, now) {
  const { apiKeys, counters, quotas, sessions, tokens } = auth;
  const iat = Math.floor(now / 1000);
  const text = token({ sub: user, sid: 's', iat, exp: iat + 3600 });
  const answer = await auth.authenticate({ token: text }, { quota: { ...WINDOW, name: 'visit' } });
  assert.ok(answer.ok);
  const [login, { key, keyId }, { receipt = '' }] = await Promise.all([
    tokens.login(user, { requestId: 'r' }),
    apiKeys.create({ ownerId: user, quota: { limit: 9 } }),
    quotas.consume(`${user} window`, WINDOW, { idempotencyKey: 'i' }),
    quotas.consume(`${user} bucket`, BUCKET),
    quotas.consume(`${user} balance`, { limit: 9 }),
    counters.add(user, 'c', 1, { idempotencyKey: 'i' }),
    auth.once(`${user} registered`, { by: 'a', ttl: '1h' }),
    sessions.admit(user, { sessionId: 'device', device: { name: 'd' } }),
  ]);
  assert.ok(login.ok);
  await Promise.all([
    tokens.refresh(login.refreshToken),
    apiKeys.check(key, { idempotencyKey: 'i' }),
    quotas.refund(receipt),
    sessions.end(user, 'device'),
    tokens.revoke(text),
  ]);
  // What has no end is taken away: a balance, a counter, a key.
  await Promise.all([
    quotas.reset(`${user} balance`),
    counters.add(user, 'c', -1),
    apiKeys.revoke(keyId),
    tokens.revokeUser(user, { apiKeys: true }),
  ]);
}

/** Some at a time. @param {Auth} auth @param {number} users @param {(() => number)} now @param {number} [width] */
async function visits(auth, users, now, width = 500) {
  for (let from = 0; from < users; from += width) {
    const count = Math.min(width, users - from);
    await Promise.all(Array.from({ length: count }, (_each, n) => visit(auth, `visitor ${from + n}`, now())));
  }
}

/** One sweep has little time, and may not come to every shard. @param {{ sweep: () => number }} door */
function sweepAll({ sweep }) {
  for (let still = 0; still < 512; ) still = sweep() === 0 ? still + 1 : 0;
}

module.exports = { FORGOTTEN, HOUR, OPTIONS, sweepAll, visits };
