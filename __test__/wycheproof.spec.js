// Project Wycheproof's JWS and JWE vectors, from LATCHGATE_VECTORS/wycheproof. Their payloads are not claims. A
// token with a valid signature is therefore refused for its payload. The reason shows which check denied the token.
'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { describe, it } = require('node:test');
const { open } = require('./support/auths.js');

const DIRECTORY = path.join(process.env.LATCHGATE_VECTORS ?? '', 'wycheproof');
const THERE = process.env.LATCHGATE_VECTORS !== undefined && fs.existsSync(DIRECTORY);
if (!THERE) console.log('LATCHGATE_VECTORS holds no wycheproof directory: its vectors are not run');

/** Reasons that are decided before the signature, or by the signature. */
const UNSIGNED = ['key', 'token_algorithm', 'token_key', 'token_signature'];
/** Reasons for a token with a valid signature and a payload that is not a set of claims. */
const SIGNED = ['token_malformed', 'token_claims'];

/**
 * Vectors with a result that differs from RFC 7515 and from this package, by file.
 * @type {Record<string, Map<number, 'valid' | 'invalid' | 'skip'>>}
 */
const OVERRIDES = {
  'json_web_signature_test.json': new Map([
    // Identical to vector 357, which is valid.
    [367, 'skip'],
    [370, 'skip'],
    // A '?' inside a base64url segment: RFC 7515 section 2.
    [372, 'invalid'],
    [373, 'invalid'],
    // The key names an algorithm that differs from the header.
    [346, 'invalid'],
    [350, 'invalid'],
    // ES512 is not supported.
    [347, 'invalid'],
    [351, 'invalid'],
  ]),
  'json_web_key_test.json': new Map([
    // Symmetric keys in a key set are refused.
    [2, 'invalid'],
    [13, 'invalid'],
    [14, 'invalid'],
    [15, 'invalid'],
    // Keys of the flawed generator of CVE-2017-15361 are not detected.
    [7, 'valid'],
  ]),
};

/** @param {string} file @returns {any[]} */
const groups = (file) => JSON.parse(fs.readFileSync(path.join(DIRECTORY, file), 'utf8')).testGroups;

/** @param {any} group */
function jwt(group) {
  const key = group.public ?? group.private;
  if (Array.isArray(key.keys)) return { jwks: key };
  return key.kty === 'oct' ? { secret: Buffer.from(key.k, 'base64url') } : { publicKey: key };
}

/** Returns whether the text has three segments in canonical base64url. @param {string} text */
const isWellFormed = (text) =>
  text.split('.').length === 3 &&
  text
    .split('.')
    .every((part) => part !== '' && Buffer.from(part, 'base64url').toString('base64url') === part);

/**
 * @param {import('node:test').TestContext} t
 * @param {any} group
 * @param {string} text
 * @returns {Promise<string>} the reason of the refusal, or 'key' if the key itself is refused
 */
async function reasonOf(t, group, text) {
  let auth;
  try {
    auth = open(t, { jwt: jwt(group) });
  } catch (/** @type {any} */ error) {
    assert.equal(error.code, 'ERR_LATCHGATE_CONFIG');
    return 'key';
  }
  assert.equal(await auth.tokens.verify(text), null);
  const answer = await auth.authenticate({ token: text });
  assert.ok(!answer.ok);
  return answer.reason;
}

if (THERE) {
  for (const [file, overrides] of Object.entries(OVERRIDES)) {
    describe(file, () => {
      for (const group of groups(file)) {
        for (const { tcId, comment, jws, result } of group.tests) {
          const wanted = overrides.get(tcId) ?? result;
          if (wanted === 'skip') continue;
          it(`${tcId}: ${comment} is ${wanted}`, async (t) => {
            const reason = await reasonOf(t, group, jws);
            if (wanted === 'valid') assert.ok(SIGNED.includes(reason), reason);
            else if (isWellFormed(jws)) assert.ok(UNSIGNED.includes(reason), reason);
            else assert.notEqual(reason, 'token_claims');
          });
        }
      }
    });
  }

  describe('json_web_encryption_test.json', () => {
    for (const group of groups('json_web_encryption_test.json')) {
      for (const { tcId, comment, jwe } of group.tests) {
        it(`${tcId}: ${comment} is not a token`, async (t) => {
          const auth = open(t);
          const text = typeof jwe === 'string' ? jwe : JSON.stringify(jwe);
          assert.equal(await auth.tokens.verify(text), null);
        });
      }
    }
  });
}
