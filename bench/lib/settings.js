'use strict';
// What every contender is set to, so that all do the same work: keys, sessions, quotas.
// The clients of Redis send text more quickly than bytes. So all numbers are chosen such that the packed arguments of the
// script are ASCII, and the contenders may send them as strings: their best form.

const crypto = require('node:crypto');

const HOUR = 3_600_000;
const SLACK = 60_000;
const USERS = 1000;
const SECRET = crypto.createHash('sha256').update('a secret for benchmarks').digest();

/** The largest number up to this one whose bytes are all below 128. @param {number} number */
function ascii(number) {
  const rest = BigInt(number);
  let result = 0n;
  for (let shift = 48n; shift >= 0n; shift -= 8n) {
    const byte = (rest >> shift) & 0xffn;
    if (byte > 0x7fn) return Number(result | (0x7f7f7f7f7f7f7fn & ((1n << (shift + 8n)) - 1n)));
    result |= byte << shift;
  }
  return Number(result);
}

const HORIZON = ascii(24 * HOUR + SLACK);

const SESSIONS = /** @type {const} */ ({
  limit: 3,
  idleTimeout: ascii(HOUR / 2),
  absoluteTimeout: ascii(12 * HOUR),
  admission: 'first-use',
});

/** One that no run exhausts, and one that races are run for. */
const QUOTAS = {
  main: { name: 'main', limit: ascii(1e9), window: ascii(HOUR) },
  small: { name: 'small', limit: 100, window: ascii(HOUR) },
};

/** Options of createAuth(). @param {string} store */
function authOptions(store) {
  return { store, jwt: { secret: SECRET, maxAge: HORIZON - SLACK }, sessions: SESSIONS };
}

module.exports = { HORIZON, HOUR, QUOTAS, SECRET, SESSIONS, USERS, ascii, authOptions };
