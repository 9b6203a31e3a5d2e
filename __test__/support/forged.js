// Forged refresh tokens, by the format that docs/layout.md tells, and users of one bucket.
'use strict';

/** Bytes of a token's body. */
const PARTS = { branch: [0, 6], number: [6, 12], mac: [12, 28], secret: [28, 60] };

/** @param {string} token */
function taken(token) {
  const [bucket, family, body] = token.split('.');
  return { bucket, family: Buffer.from(family, 'base64url'), body: Buffer.from(body, 'base64url') };
}

/** @param {{ bucket: string, family: Buffer, body: Buffer }} parts */
const put = ({ bucket, family, body }) =>
  [bucket, family.toString('base64url'), body.toString('base64url')].join('.');

/** The number that a token says. @param {string} token */
const numberOf = (token) => taken(token).body.readUIntBE(6, 6);

/** The same with another number, under the MAC that it has. @param {string} token @param {number} number */
function withNumber(token, number) {
  const parts = taken(token);
  parts.body.writeUIntBE(number, 6, 6);
  return put(parts);
}

/**
 * The token with one bit changed, for some bits of each part.
 * @param {string} token
 * @returns {Array<[string, string]>} what was changed, and the text
 */
function flipped(token) {
  /** @type {Array<[string, string]>} */
  const all = [];
  for (const [part, [from, to]] of Object.entries(PARTS))
    for (const at of [from, (from + to) >> 1, to - 1])
      for (const bit of [0, 7]) {
        const parts = taken(token);
        parts.body[at] ^= 1 << bit;
        all.push([`bit ${bit} of byte ${at}, ${part}`, put(parts)]);
      }
  for (const at of [0, 15]) {
    const parts = taken(token);
    parts.family[at] ^= 1;
    all.push([`byte ${at} of the family`, put(parts)]);
  }
  const parts = taken(token);
  const bucket = (Number.parseInt(parts.bucket, 16) ^ 1).toString(16).padStart(4, '0');
  all.push(['the bucket', put({ ...parts, bucket })]);
  return all;
}

/** Branch and number of one token on the rest of another, in the family of a third. @param {string} serial @param {string} rest @param {string} family */
function pasted(serial, rest, family) {
  const parts = { ...taken(rest), bucket: taken(family).bucket, family: taken(family).family };
  taken(serial).body.copy(parts.body, 0, 0, 12);
  return put(parts);
}

/** CRC16 (XMODEM) mod 16384. @param {string} id */
function bucketOf(id) {
  let crc = 0;
  for (const byte of Buffer.from(id)) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit++)
      crc = crc & 0x8000 ? ((crc << 1) ^ 0x1021) & 0xffff : (crc << 1) & 0xffff;
  }
  return crc % 16384;
}

/** Another user whose id lies in the same bucket. @param {string} user */
function bucketMate(user) {
  for (let n = 0; ; n++) if (bucketOf(`${user}-${n}`) === bucketOf(user)) return `${user}-${n}`;
}

module.exports = { bucketMate, bucketOf, flipped, numberOf, pasted, withNumber };
