'use strict';
// Row B's tokens: the claims of all other rows, signed with each algorithm, and for each some that no verifier may accept. Made
// once for all processes of a run, because RS256 takes its time to sign.

const crypto = require('node:crypto');
const { HOUR, SECRET } = require('./settings.js');
const { seconds, unsigned, userOf } = require('./tokens.js');

/** @typedef {{ key: string, tokens: string[], bad: string[] }} Batch key: base64 of a secret, or a public key as PEM */

/** @typedef {{ key: string, sign: (input: string) => Buffer }} Signer */

/** @param {crypto.KeyPairKeyObjectResult} pair @param {string | null} hash @returns {Signer} */
const signer = ({ publicKey, privateKey }, hash) => ({
  key: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
  sign: (input) => crypto.sign(hash, Buffer.from(input), { key: privateKey, dsaEncoding: 'ieee-p1363' }),
});

/** How many tokens, and with what; a thousandth of a second of verification is not enough to be measured. */
const ALGORITHMS = /** @type {Record<string, { count: number, signer: () => Signer }>} */ ({
  HS256: { count: 20_000, signer: () => ({ key: SECRET.toString('base64'), sign: hmac(SECRET) }) },
  RS256: {
    count: 4000,
    signer: () => signer(crypto.generateKeyPairSync('rsa', { modulusLength: 2048 }), 'sha256'),
  },
  ES256: {
    count: 4000,
    signer: () => signer(crypto.generateKeyPairSync('ec', { namedCurve: 'P-256' }), 'sha256'),
  },
  EdDSA: { count: 4000, signer: () => signer(crypto.generateKeyPairSync('ed25519'), null) },
});

/** @param {crypto.BinaryLike} key @returns {Signer['sign']} */
function hmac(key) {
  return (input) => crypto.createHmac('sha256', key).update(input).digest();
}

/** @param {string} alg */
const header = (alg) => Buffer.from(JSON.stringify({ alg, typ: 'JWT' })).toString('base64url');

/** @param {string} input @param {Signer['sign']} sign */
const whole = (input, sign) => `${input}.${sign(input).toString('base64url')}`;

/** @param {string} alg @param {number} scale @returns {Batch} */
function batch(alg, scale) {
  const { count, signer } = ALGORITHMS[alg];
  const { key, sign } = signer();
  const own = header(alg);
  const tokens = Array.from({ length: Math.round(count * scale) }, (_, at) =>
    whole(unsigned(own, userOf(at)), sign),
  );
  const signature = tokens[0].slice(tokens[0].lastIndexOf('.'));
  const bad = [
    // Another's payload.
    unsigned(own, 'user-forged') + signature,
    `${unsigned(header('none'), 'user-forged')}.`,
    // The public key, which everybody knows, taken for a secret; for a secret, another one.
    whole(unsigned(header('HS256'), 'user-forged'), hmac(alg === 'HS256' ? 'guessed' : key)),
    whole(unsigned(own, 'user-late', { iat: seconds() - (3 * HOUR) / 1000 }), sign),
  ];
  return { key, tokens, bad };
}

/** @type {Record<string, Batch> | undefined} */
let made;

/** @param {number} scale @returns {Record<string, Batch>} by algorithm */
function signed(scale) {
  made ??= Object.fromEntries(Object.keys(ALGORITHMS).map((alg) => [alg, batch(alg, scale)]));
  return made;
}

module.exports = { signed };
