// HS256 by hand, as the unprotected app has it: enough for the demo, and honest about what it checks.
'use strict';

const crypto = require('node:crypto');

/** @param {string} text @param {string} secret */
const sign = (text, secret) => crypto.createHmac('sha256', secret).update(text).digest('base64url');

/** @param {object} value */
const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');

/** @param {Record<string, unknown>} claims @param {string} secret */
function signJwt(claims, secret) {
  const iat = Math.floor(Date.now() / 1000);
  const input = `${encode({ alg: 'HS256', typ: 'JWT' })}.${encode({ iat, exp: iat + 900, ...claims })}`;
  return `${input}.${sign(input, secret)}`;
}

/**
 * @param {string} token
 * @param {string} secret
 * @returns {{ sub: string, sid: string, jti: string, exp: number } | undefined} undefined for an invalid token
 */
function verifyJwt(token, secret) {
  const [header, payload, signature] = token.split('.');
  const expected = Buffer.from(sign(`${header}.${payload}`, secret));
  const given = Buffer.from(signature ?? '');
  if (given.length !== expected.length || !crypto.timingSafeEqual(given, expected)) return undefined;
  const claims = JSON.parse(Buffer.from(payload ?? '', 'base64url').toString());
  return claims.exp * 1000 > Date.now() ? claims : undefined;
}

module.exports = { signJwt, verifyJwt };
