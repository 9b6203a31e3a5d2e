// No error, no log line and no printed object contains a secret or a private key.
'use strict';

const assert = require('node:assert/strict');
const crypto = require('node:crypto');
const { describe, it } = require('node:test');
const util = require('node:util');
const { LatchgateError, createAuth } = require('latchgate');
const { open } = require('./support/auths.js');
const { SECRET, jwkOf } = require('./support/jwt.js');

const jwt = { secret: SECRET };

describe('no error and no printed object shows a secret', () => {
  const secret = 'Hush-this-must-not-be-seen-anywhere-0123456789';
  const rsa = crypto.generateKeyPairSync('rsa', { modulusLength: 2048 });
  const pem = rsa.privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
  const jwk = jwkOf(rsa.privateKey);
  const parts = [secret, secret.slice(0, 12), pem.split('\n')[3], jwk.d, jwk.d.slice(5, 30), jwk.p];

  /** @param {unknown} value */
  function assertHushed(value) {
    const views = [
      String(value),
      util.inspect(value, { depth: Number.POSITIVE_INFINITY, showHidden: true, getters: false }),
      JSON.stringify(value, Object.getOwnPropertyNames(Object(value))) ?? '',
      value instanceof Error ? `${value.stack}${util.inspect(value.cause)}` : '',
    ];
    for (const view of views) for (const part of parts) assert.ok(!view.includes(part), view.slice(0, 200));
  }

  /** @type {Array<[string, any]>} */
  const LEAKY = [
    ['a short secret', { jwt: { secret: secret.slice(0, 20) } }],
    ['a secret as publicKey', { jwt: { publicKey: secret } }],
    ['a secret as privateKey', { jwt: { privateKey: secret } }],
    ['a secret as jwks', { jwt: { jwks: secret } }],
    ['a secret as key of a set', { jwt: { jwks: { keys: [secret] } } }],
    [
      'a symmetric JWK',
      { jwt: { publicKey: { kty: 'oct', k: Buffer.from(secret).toString('base64url'), kid: secret } } },
    ],
    ['a private PEM as secret', { jwt: { secret: pem } }],
    ['a private PEM as publicKey', { jwt: { publicKey: pem } }],
    ['a damaged private PEM', { jwt: { privateKey: pem.replace('A', '!') } }],
    ['a private JWK as publicKey', { jwt: { publicKey: jwk } }],
    ['a private JWK as text and as secret', { jwt: { secret: JSON.stringify(jwk) } }],
    ['a private JWK in a set', { jwt: { jwks: { keys: [jwk] } } }],
    ['a damaged private JWK', { jwt: { privateKey: { ...jwk, n: 'AQAB' } } }],
    ['a key with an algorithm that does not fit', { jwt: { privateKey: jwk, algorithms: ['ES256'] } }],
    ['two kinds of key', { jwt: { secret, privateKey: pem } }],
    ['a key under another name', { secret }],
    ['a password in a store URL', { jwt, store: `redis://user:${secret}@host:port` }],
    ['a password in an invalid URL', { jwt, store: `foo://user:${secret}@host` }],
    ['a password in the name of a store', { jwt, store: `memory:${secret}@host` }],
    ['a secret as algorithm', { jwt: { secret, algorithms: [secret] } }],
    ['a secret as duration', { jwt: { secret, maxAge: secret } }],
  ];
  for (const [what, options] of LEAKY) {
    it(`with ${what}`, () => {
      assert.throws(
        () => createAuth(options),
        (/** @type {any} */ error) => {
          assert.ok(error instanceof LatchgateError, String(error));
          assertHushed(error);
          return true;
        },
      );
    });
  }

  it('of an Auth, its middleware, and their errors', async (t) => {
    for (const key of [{ secret }, { privateKey: pem }]) {
      const auth = open(t, { jwt: key });
      const token = await auth.tokens.issue('u');
      for (const view of [auth, auth.tokens, auth.sessions, auth.middleware(), auth.requireScope('a')])
        assertHushed(view);
      const thrown = await auth.tokens.issue('u', { ttl: '1000d' }).catch((error) => error);
      assertHushed(thrown);
      const views = [
        util.inspect(auth, { depth: 20, showHidden: true }),
        util.inspect(thrown, { depth: 20 }),
      ];
      for (const view of views) assert.ok(!view.includes(token));
    }
  });
});
