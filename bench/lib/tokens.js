'use strict';
// Tokens as tokens.issue() makes them, signed here so that no contender has an easier kind. About 400 bytes.

const crypto = require('node:crypto');
const { HOUR, SECRET, USERS, ascii } = require('./settings.js');

const HEADER = Buffer.from(JSON.stringify({ alg: 'HS256', typ: 'JWT' })).toString('base64url');
/** Generations are microseconds; these are a little old, which matters to nobody. */
const GENERATION = ascii(Date.now() * 1000);

const seconds = () => Math.floor(Date.now() / 1000);

/**
 * What is signed: header and payload.
 * @param {string} header
 * @param {string} user
 * @param {{ session?: string, id?: string, iat?: number }} [claims] iat in seconds
 */
function unsigned(
  header,
  user,
  { session = `session-of-${user}`, id = randomId(), iat = seconds() - 5 } = {},
) {
  const payload = Buffer.from(
    JSON.stringify({
      sub: user,
      sid: session,
      jti: id,
      gen: GENERATION,
      iat,
      exp: iat + (2 * HOUR) / 1000,
      scope: 'orders:read orders:write profile',
      tenant: 'north-01',
      plan: 'standard',
    }),
  ).toString('base64url');
  return `${header}.${payload}`;
}

const randomId = () => crypto.randomBytes(16).toString('base64url');

/**
 * @param {string} user
 * @param {string} [session]
 */
function sign(user, session) {
  const input = unsigned(HEADER, user, { session });
  return `${input}.${crypto.createHmac('sha256', SECRET).update(input).digest('base64url')}`;
}

const userOf = (/** @type {number} */ at) => `user-${String(at % USERS).padStart(6, '0')}`;

/** One token a user. */
const oneEach = () => Array.from({ length: USERS }, (_, at) => sign(userOf(at)));

/** A string as an HTTP parser makes it: flat, and never seen before. @param {Buffer} bytes */
const fresh = (bytes) => bytes.toString('latin1');

module.exports = { fresh, oneEach, seconds, sign, unsigned, userOf };
