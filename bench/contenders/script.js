'use strict';
// latchgate's own decision script with its own packed arguments, for clients that call it themselves.

const crypto = require('node:crypto');
const { luaTexts } = require('../../scripts/lib/lua-texts.js');
const { HORIZON, SESSIONS } = require('../lib/settings.js');

const TEXTS = luaTexts();

/**
 * A script with its first line, as src/store/redis/protocol/scripts.rs writes it.
 * @param {string} name
 * @param {boolean} evenOutOfMemory
 */
function script(name, evenOutOfMemory) {
  const flags = evenOutOfMemory ? ' flags=allow-oom' : '';
  const found = TEXTS.get(name);
  if (found === undefined) throw new Error(`there is no script ${name}`);
  const text = `#!lua${flags}\n${found.text}`;
  return { text, sha: crypto.createHash('sha1').update(text).digest('hex') };
}

const DECIDE = script('request/decide', true);
const REVOKE = script('revocation/revoke_token', false);

/** @param {Array<[width: number, value: number]>} numbers */
function pack(numbers) {
  const bytes = numbers.map(([width, value]) => {
    const whole = Buffer.alloc(8);
    whole.writeBigUInt64BE(BigInt(value));
    return whole.subarray(8 - width);
  });
  return Buffer.concat(bytes);
}

/** @param {Buffer} bytes */
function text(bytes) {
  if (bytes.some((byte) => byte > 127)) throw new Error('an argument is not ASCII: see lib/settings.js');
  return bytes.toString('latin1');
}

/** CRC16 (XMODEM) mod 16384. @param {string} id */
function bucket(id) {
  let crc = 0;
  for (const byte of Buffer.from(id)) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit++) crc = ((crc & 0x8000) === 0 ? crc << 1 : (crc << 1) ^ 0x1021) & 0xffff;
  }
  return crc % 16384;
}

/** @param {string} user of letters, digits, '.', '_' and '-' */
const keysOf = (user) => [`lg:{${bucket(user)}}:u:${user}`, `lg:{${bucket(user)}}:d:${user}`];

/** @param {string} token without looking at the signature */
const claimsOf = (token) => JSON.parse(Buffer.from(token.split('.')[1], 'base64url').toString());

/**
 * What a call of the script is made of, all of it text: two keys, four arguments; with a quota five.
 * @param {any} claims
 * @param {{ name: string, limit: number, window: number }} [quota]
 */
function decision({ sub, sid, jti, gen }, quota) {
  const numbers = pack([
    ...[2, 1, 1, 0, 0].map((value) => /** @type {[number, number]} */ ([1, value])),
    [7, gen],
    [7, SESSIONS.limit + 1],
    [6, SESSIONS.idleTimeout],
    [6, SESSIONS.absoluteTimeout],
    [6, HORIZON],
    [6, 0],
    [1, quota === undefined ? 0 : 1],
    [7, quota?.limit ?? 0],
    [6, quota?.window ?? 0],
    [7, 0],
    [7, quota === undefined ? 0 : 1],
    [6, 0],
    [1, 0],
  ]);
  const common = [...keysOf(sub), text(numbers), `s${sid}`, `rj${jti}`];
  return quota === undefined ? [...common, ''] : [...common, `qwu${quota.name}`, ''];
}

/** @param {any} claims */
function revocation({ sub, jti, exp }) {
  return [
    ...keysOf(sub),
    pack([
      [6, exp * 1000 + 60_000],
      [6, HORIZON],
    ]),
    `rj${jti}`,
  ];
}

/** @param {Buffer} reply */
const isAllowed = (reply) => reply[0] === 0;

/** Units left, of an allowing reply. @param {Buffer} reply */
const remaining = (reply) => reply.readUIntBE(33, 6);

/** Milliseconds until the window ends. @param {Buffer} reply */
const untilReset = (reply) => reply.readUIntBE(45, 6);

module.exports = { DECIDE, REVOKE, claimsOf, decision, isAllowed, remaining, revocation, untilReset };
