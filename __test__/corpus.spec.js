// Malicious tokens, through the function API and over HTTP. LATCHGATE_VECTORS names a directory of further corpora
// in the same format.
'use strict';

const assert = require('node:assert/strict');
const { createPublicKey } = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');
const { describe, it } = require('node:test');
const { EXPRESS, serve } = require('./support/app.js');
const { open } = require('./support/auths.js');
const { send } = require('./support/http.js');

/**
 * @typedef {{ id: string, group: string, name: string, profile: string, token: string, expect: 'accept' | 'reject' | 'policy', why: string }} Case
 * @typedef {{ profiles: Record<string, any>, tests: Case[] }} Corpus
 */

/** @param {string} directory @returns {Array<[string, Corpus]>} */
function corpora(directory) {
  return fs
    .readdirSync(directory)
    .filter((name) => name.endsWith('.json'))
    .map(
      (name) =>
        /** @type {[string, any]} */ ([
          name,
          JSON.parse(fs.readFileSync(path.join(directory, name), 'utf8')),
        ]),
    )
    .filter(([, content]) => content.profiles !== undefined && Array.isArray(content.tests));
}

const FURTHER = process.env.LATCHGATE_VECTORS;
if (FURTHER === undefined)
  console.log('LATCHGATE_VECTORS is not set: only the corpus of this repository is run');

/**
 * The keys of a profile in every form that an option accepts.
 * @param {any} profile
 * @returns {Array<[string, object]>}
 */
function forms(profile) {
  if (profile.secret_base64url !== undefined) {
    return [['secret', { secret: Buffer.from(profile.secret_base64url, 'base64url') }]];
  }
  const jwk = /** @type {object} */ (createPublicKey(profile.public_pem).export({ format: 'jwk' }));
  return [
    ['PEM', { publicKey: profile.public_pem }],
    ['JWK', { publicKey: profile.jwk ?? jwk }],
    ['key set', { jwks: { keys: [{ ...jwk, kid: 'the-only-one', alg: profile.alg }] } }],
  ];
}

/** @param {object} key */
const jwt = (key) => ({
  ...key,
  issuer: 'https://issuer.test',
  audience: 'api',
  maxAge: '40000d',
  requiredClaims: ['jti'],
});

/**
 * Returns whether a token may pass. In a key set, a token with an unknown kid is refused.
 * @param {Case} test
 * @param {string} form
 */
const mayPass = ({ expect }, form) => expect === 'policy' || (expect === 'accept' && form === 'key set');

/** @param {Case} test */
const label = ({ id, expect, name, why }) => `${expect} ${id}: ${name} (${why})`;

for (const [file, corpus] of [
  ...corpora(path.join(__dirname, 'vectors')),
  ...(FURTHER === undefined ? [] : corpora(FURTHER)),
]) {
  for (const [name, profile] of Object.entries(corpus.profiles)) {
    const cases = corpus.tests.filter((test) => test.profile === name);
    for (const [form, key] of forms(profile)) {
      describe(`${file}, ${name} as ${form}, function API`, () => {
        for (const test of cases) {
          it(label(test), async (t) => {
            const auth = open(t, { jwt: jwt(key) });
            const claims = await auth.tokens.verify(test.token);
            const again = await auth.tokens.verify(test.token);
            assert.deepEqual(again, claims, 'the cache returns the same result');
            if (test.expect === 'reject') assert.equal(claims, null);
            else if (!mayPass(test, form)) assert.notEqual(claims, null);
            const answer = await auth.authenticate({ token: test.token });
            assert.equal(answer.ok, claims !== null);
            if (!answer.ok && test.token !== '') assert.equal(answer.code, 'invalid_token');
          });
        }
      });
    }

    for (const { name: framework, express } of EXPRESS) {
      const [[, key]] = forms(profile);
      describe(`${file}, ${name} over HTTP on ${framework}`, () => {
        for (const test of cases) {
          it(label(test), async (t) => {
            const auth = open(t, { jwt: jwt(key) });
            let handled = 0;
            const port = await serve(
              t,
              (app) => {
                app.use(auth.middleware());
                app.get('/', (req, res) => {
                  handled++;
                  res.json(req.auth?.claims);
                });
              },
              express,
            );
            const answer = await send(port, { headers: [`Authorization: Bearer ${test.token}`] });
            if (test.expect === 'accept') assert.equal(answer.status, 200);
            if (test.expect === 'reject') {
              assert.ok([0, 400, 401, 431].includes(answer.status), `status ${answer.status}`);
              assert.equal(handled, 0);
              if (answer.status === 401) assert.equal(answer.body, '{"error":"invalid_token"}');
            }
            assert.ok(test.expect === 'accept' || !answer.body.includes(test.token) || test.token.length < 3);
            const good = corpus.tests.find((other) => other.profile === name && other.expect === 'accept');
            const next = await send(port, { headers: [`Authorization: Bearer ${good?.token}`] });
            assert.equal(next.status, 200, 'the app answers the next request');
          });
        }
      });
    }
  }
}
