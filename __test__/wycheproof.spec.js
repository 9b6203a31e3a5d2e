// Project Wycheproof's JWS and JWE vectors, from LATCHGATE_VECTORS/wycheproof. Their payloads are no claims, so that a token
// whose signature is good goes on to be refused for its payload: the reason tells how far it came.
'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { describe, it } = require('node:test');
const { open } = require('./support/auths.js');

const DIRECTORY = path.join(process.env.LATCHGATE_VECTORS ?? '', 'wycheproof');
const THERE = process.env.LATCHGATE_VECTORS !== undefined && fs.existsSync(DIRECTORY);
if (!THERE) console.log('LATCHGATE_VECTORS holds no wycheproof directory: its vectors are not run');

/** What is said of a token before its signature, or in place of it. */
const UNSIGNED = ['key', 'token_algorithm', 'token_key', 'token_signature'];
/** What is said of one with a good signature and a payload that is no set of claims. */
const SIGNED = ['token_malformed', 'token_claims'];

/**
 * Vectors that are marked otherwise than RFC 7515 and this package have it, by file.
 * @type {Record<string, Map<number, 'valid' | 'invalid' | 'skip'>>}
 */
const OVERRIDES = {
  'json_web_signature_test.json': new Map([
    // Byte for byte the same as 357, which is valid.
    [367, 'skip'],
    [370, 'skip'],
    // A '?' inside a base64url segment: RFC 7515 section 2.
    [372, 'invalid'],
    [373, 'invalid'],
    // The key names another algorithm than the header.
    [346, 'invalid'],
    [350, 'invalid'],
    // ES512 is not offered.
    [347, 'invalid'],
    [351, 'invalid'],
  ]),
  'json_web_key_test.json': new Map([
    // Symmetric keys in a key set are refused.
    [2, 'invalid'],
    [13, 'invalid'],
    [14, 'invalid'],
    [15, 'invalid'],
    // Keys made by the flawed generator of CVE-2017-15361 are not looked for.
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

/** Whether there are three segments and each is base64url as it must be. @param {string} text */
const isWellFormed = (text) =>
  text.split('.').length === 3 &&
  text
    .split('.')
    .every((part) => part !== '' && Buffer.from(part, 'base64url').toString('base64url') === part);

/**
 * @param {import('node:test').TestContext} t
 * @param {any} group
 * @param {string} text
 * @returns {Promise<string>} the reason of the refusal, or 'key' where the key itself is refused
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
        it(`${tcId}: ${comment} is no token`, async (t) => {
          const auth = open(t);
          const text = typeof jwe === 'string' ? jwe : JSON.stringify(jwe);
          assert.equal(await auth.tokens.verify(text), null);
        });
      }
    }
  });
}
