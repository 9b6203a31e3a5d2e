// Which keys verify which tokens: every algorithm, every form of a key, and key sets with kid. The jose package
// signs the tokens.
'use strict';

const assert = require('node:assert/strict');
const crypto = require('node:crypto');
const { describe, it } = require('node:test');
const { fault, open, unique } = require('./support/auths.js');
const { fresh, jwkOf, read, token } = require('./support/jwt.js');

const rsa = () => crypto.generateKeyPairSync('rsa', { modulusLength: 2048 });
const ec = (/** @type {string} */ namedCurve) => crypto.generateKeyPairSync('ec', { namedCurve });
const ed = () => crypto.generateKeyPairSync('ed25519');

const pairs = { rsa: rsa(), p256: ec('P-256'), p384: ec('P-384'), ed: ed() };
const others = { rsa: rsa(), p256: ec('P-256'), p384: ec('P-384'), ed: ed() };

/** @type {Array<[string, keyof typeof pairs]>} */
const ASYMMETRIC = [
  ['RS256', 'rsa'],
  ['RS384', 'rsa'],
  ['RS512', 'rsa'],
  ['PS256', 'rsa'],
  ['PS384', 'rsa'],
  ['PS512', 'rsa'],
  ['ES256', 'p256'],
  ['ES384', 'p384'],
  ['EdDSA', 'ed'],
];

/**
 * @param {any} key
 * @param {string} alg
 * @param {object} [claims]
 * @param {object} [header]
 * @returns {Promise<string>}
 */
async function signed(key, alg, claims = {}, header = {}) {
  const { SignJWT } = await import('jose');
  return new SignJWT(fresh(claims)).setProtectedHeader({ alg, ...header }).sign(key);
}

/** @param {import('latchgate').Auth} auth @param {string} text */
async function outcome(auth, text) {
  const answer = await auth.authenticate({ token: text });
  return answer.ok ? 'allowed' : answer.reason;
}

/** @param {crypto.KeyObject} key @param {'spki' | 'pkcs1'} [type] */
const publicPem = (key, type = 'spki') => key.export({ format: 'pem', type }).toString();
/** @param {crypto.KeyObject} key @param {'pkcs8' | 'pkcs1' | 'sec1'} [type] */
const privatePem = (key, type = 'pkcs8') => key.export({ format: 'pem', type }).toString();

describe('a secret', () => {
  const secret = crypto.randomBytes(64);
  for (const alg of ['HS256', 'HS384', 'HS512']) {
    it(`verifies ${alg}, and no token of another secret`, async (t) => {
      const auth = open(t, { jwt: { secret } });
      assert.equal(await outcome(auth, await signed(secret, alg)), 'allowed');
      assert.equal(await outcome(auth, await signed(crypto.randomBytes(64), alg)), 'token_signature');
    });
  }

  it('is accepted as text, Buffer or KeyObject', async (t) => {
    const text = 'a secret as text, of some length, é';
    const tokens = await signed(Buffer.from(text), 'HS256');
    for (const form of [
      text,
      Buffer.from(text),
      new Uint8Array(Buffer.from(text)),
      crypto.createSecretKey(Buffer.from(text)),
    ]) {
      assert.equal(await outcome(open(t, { jwt: { secret: /** @type {any} */ (form) } }), tokens), 'allowed');
    }
  });

  it('verifies only with hashes that it is long enough for', async (t) => {
    const short = crypto.randomBytes(32);
    const auth = open(t, { jwt: { secret: short } });
    assert.equal(await outcome(auth, token({}, { key: short })), 'allowed');
    assert.equal(await outcome(auth, token({}, { key: short, alg: 'HS384' })), 'token_algorithm');
    assert.equal(await outcome(auth, token({}, { key: short, alg: 'HS512' })), 'token_algorithm');
  });

  it('signs tokens that jose verifies, with the first algorithm of jwt.algorithms', async (t) => {
    const { jwtVerify } = await import('jose');
    for (const given of [{}, { algorithms: ['HS512', 'HS256'] }]) {
      const auth = open(t, { jwt: { secret, ...given } });
      const { protectedHeader } = await jwtVerify(await auth.tokens.issue('u'), secret);
      assert.equal(protectedHeader.alg, given.algorithms?.[0] ?? 'HS256');
      assert.equal(protectedHeader.typ, 'JWT');
    }
  });
});

describe('a key pair', () => {
  for (const [alg, kind] of ASYMMETRIC) {
    it(`verifies ${alg} in every form of the public key, and no token of another key`, async (t) => {
      const { publicKey, privateKey } = pairs[kind];
      const text = await signed(privateKey, alg);
      const forged = await signed(others[kind].privateKey, alg);
      const forms = [
        publicKey,
        publicPem(publicKey),
        jwkOf(publicKey),
        { ...jwkOf(publicKey), alg, use: 'sig' },
        JSON.stringify(jwkOf(publicKey)),
        Buffer.from(publicPem(publicKey)),
      ];
      for (const form of forms) {
        const auth = open(t, { jwt: { publicKey: form } });
        assert.equal(await outcome(auth, text), 'allowed');
        assert.equal(await outcome(auth, forged), 'token_signature');
        const confused = token({}, { key: publicPem(publicKey), alg: 'HS256' });
        assert.equal(await outcome(auth, confused), 'token_algorithm');
      }
    });

    it(`signs ${alg} in every form of the private key, and jose verifies the token`, async (t) => {
      const { jwtVerify } = await import('jose');
      const { publicKey, privateKey } = pairs[kind];
      const forms = [privateKey, privatePem(privateKey), jwkOf(privateKey), { ...jwkOf(privateKey), alg }];
      for (const form of forms) {
        const auth = open(t, { jwt: { privateKey: form, algorithms: [alg] } });
        const text = await auth.tokens.issue('u', { claims: { a: 1 } });
        const { payload, protectedHeader } = await jwtVerify(text, publicKey, { algorithms: [alg] });
        assert.deepEqual([payload.sub, payload.a, protectedHeader.alg], ['u', 1, alg]);
        assert.equal(await outcome(auth, text), 'allowed', 'the public half of the key verifies the token');
      }
    });
  }

  it('is accepted as PKCS#1, as SEC1, and with line ends written as \\n', async (t) => {
    const one = open(t, { jwt: { publicKey: publicPem(pairs.rsa.publicKey, 'pkcs1') } });
    assert.equal(await outcome(one, await signed(pairs.rsa.privateKey, 'RS256')), 'allowed');
    const two = open(t, { jwt: { publicKey: publicPem(pairs.p256.publicKey).replaceAll('\n', '\\n') } });
    assert.equal(await outcome(two, await signed(pairs.p256.privateKey, 'ES256')), 'allowed');
    for (const privateKey of [
      privatePem(pairs.rsa.privateKey, 'pkcs1'),
      privatePem(pairs.p256.privateKey, 'sec1'),
    ]) {
      assert.notEqual(await open(t, { jwt: { privateKey } }).tokens.issue('u'), '');
    }
  });

  it('verifies with no algorithm outside jwt.algorithms', async (t) => {
    const auth = open(t, { jwt: { publicKey: pairs.rsa.publicKey, algorithms: ['RS256', 'PS512'] } });
    for (const [alg, kind] of ASYMMETRIC.slice(0, 6)) {
      const expected = ['RS256', 'PS512'].includes(alg) ? 'allowed' : 'token_algorithm';
      assert.equal(await outcome(auth, await signed(pairs[kind].privateKey, alg)), expected, alg);
    }
  });

  it('with an algorithm in its JWK verifies with no other algorithm', async (t) => {
    const auth = open(t, { jwt: { publicKey: { ...jwkOf(pairs.rsa.publicKey), alg: 'PS256' } } });
    assert.equal(await outcome(auth, await signed(pairs.rsa.privateKey, 'PS256')), 'allowed');
    assert.equal(await outcome(auth, await signed(pairs.rsa.privateKey, 'RS256')), 'token_algorithm');
    assert.equal(await outcome(auth, await signed(pairs.rsa.privateKey, 'PS384')), 'token_algorithm');
  });

  it('ignores the kid of a token if the pair is the only key', async (t) => {
    const auth = open(t, { jwt: { publicKey: { ...jwkOf(pairs.ed.publicKey), kid: 'mine' } } });
    assert.equal(
      await outcome(auth, await signed(pairs.ed.privateKey, 'EdDSA', {}, { kid: 'any' })),
      'allowed',
    );
  });

  const weak = crypto.generateKeyPairSync('rsa', { modulusLength: 1024 });
  /** @type {Array<[string, any, RegExp]>} */
  const REFUSED = [
    ['an RSA key of 1024 bits', { publicKey: weak.publicKey }, /1024/],
    ['an RSA key of 1024 bits to sign with', { privateKey: weak.privateKey }, /1024/],
    ['a private key as publicKey', { publicKey: pairs.p256.privateKey }, /jwt\.publicKey.*private/],
    [
      'a private PEM as publicKey',
      { publicKey: privatePem(pairs.rsa.privateKey) },
      /jwt\.publicKey.*private/,
    ],
    ['a private JWK as publicKey', { publicKey: jwkOf(pairs.ed.privateKey) }, /jwt\.publicKey.*private/],
    ['a public key as privateKey', { privateKey: publicPem(pairs.rsa.publicKey) }, /jwt\.privateKey/],
    [
      'a public key of another pair',
      { publicKey: pairs.p256.publicKey, privateKey: others.p256.privateKey },
      /jwt\.publicKey/,
    ],
    [
      'a public key of another type',
      { publicKey: pairs.rsa.publicKey, privateKey: pairs.ed.privateKey },
      /jwt\.publicKey/,
    ],
    [
      'an algorithm that does not fit the key',
      { publicKey: pairs.rsa.publicKey, algorithms: ['RS256', 'ES256'] },
      /ES256/,
    ],
    ['an unsupported curve', { publicKey: ec('P-521').publicKey }, /key/],
    ['a curve of another standard', { publicKey: ec('secp256k1').publicKey }, /key/],
    ['an Ed448 key', { publicKey: crypto.generateKeyPairSync('ed448').publicKey }, /key/],
    ['an X25519 key', { publicKey: crypto.generateKeyPairSync('x25519').publicKey }, /key/],
    ['a key for encryption', { publicKey: { ...jwkOf(pairs.rsa.publicKey), use: 'enc' } }, /key/],
    [
      'a key without the operation verify',
      { publicKey: { ...jwkOf(pairs.rsa.publicKey), key_ops: ['encrypt'] } },
      /key/,
    ],
    [
      'a key without the operation sign',
      { privateKey: { ...jwkOf(pairs.rsa.privateKey), key_ops: ['decrypt'] } },
      /jwt\.privateKey/,
    ],
    [
      'an alg that does not fit the key',
      { publicKey: { ...jwkOf(pairs.p256.publicKey), alg: 'ES384' } },
      /alg/,
    ],
    [
      'a point off the curve',
      { publicKey: { ...jwkOf(pairs.p256.publicKey), y: jwkOf(others.p256.publicKey).y } },
      /jwt\.publicKey/,
    ],
    ['a symmetric JWK as publicKey', { publicKey: { kty: 'oct', k: 'x'.repeat(43) } }, /jwt\.publicKey/],
    [
      'a secret KeyObject as publicKey',
      { publicKey: crypto.createSecretKey(crypto.randomBytes(32)) },
      /jwt\.publicKey/,
    ],
    [
      'an encrypted PEM',
      {
        privateKey: pairs.rsa.privateKey.export({
          format: 'pem',
          type: 'pkcs8',
          cipher: 'aes-256-cbc',
          passphrase: 'x',
        }),
      },
      /jwt\.privateKey/,
    ],
    ['a path in place of a key', { publicKey: './key.pem' }, /jwt\.publicKey/],
    ['half a PEM', { publicKey: publicPem(pairs.rsa.publicKey).slice(0, 100) }, /jwt\.publicKey/],
    ['a number', { publicKey: 7 }, /jwt\.publicKey/],
    ['two kinds of key', { secret: 'x'.repeat(32), publicKey: pairs.rsa.publicKey }, /exclude/],
    [
      'a public key and a set',
      { publicKey: pairs.rsa.publicKey, jwks: { keys: [jwkOf(pairs.rsa.publicKey)] } },
      /exclude/,
    ],
  ];
  for (const [what, jwt, names] of REFUSED) {
    it(`refuses ${what}`, (t) => void assert.throws(() => open(t, { jwt }), fault('CONFIG', names)));
  }
});

describe('a key set', () => {
  /** @param {crypto.KeyObject} key @param {object} [members] */
  const member = (key, members = {}) => ({ ...jwkOf(key), ...members });
  const { p256, rsa: rsaPair, ed: edPair } = pairs;

  it('accepts tokens of the old and the new key while both are present, and refuses tokens of a removed key', async (t) => {
    const old = await signed(p256.privateKey, 'ES256', {}, { kid: 'old' });
    const current = await signed(others.p256.privateKey, 'ES256', {}, { kid: 'new' });
    const [oldKey, newKey] = [
      member(p256.publicKey, { kid: 'old' }),
      member(others.p256.publicKey, { kid: 'new' }),
    ];
    const during = open(t, { jwt: { jwks: { keys: [oldKey, newKey] } } });
    assert.deepEqual([await outcome(during, old), await outcome(during, current)], ['allowed', 'allowed']);
    const afterwards = open(t, { jwt: { jwks: { keys: [newKey] } } });
    assert.deepEqual(
      [await outcome(afterwards, old), await outcome(afterwards, current)],
      ['token_key', 'allowed'],
    );
    const confused = await signed(p256.privateKey, 'ES256', {}, { kid: 'new' });
    assert.equal(
      await outcome(during, confused),
      'token_signature',
      'kid selects the key, and no other key is tried',
    );
  });

  it('refuses an unknown kid, even with a single key', async (t) => {
    const auth = open(t, { jwt: { jwks: { keys: [member(p256.publicKey, { kid: 'a' })] } } });
    for (const kid of ['b', '', 'A', 'a ', '__proto__', '../a']) {
      assert.equal(
        await outcome(auth, await signed(p256.privateKey, 'ES256', {}, { kid })),
        'token_key',
        kid,
      );
    }
  });

  it('accepts a token without a kid if one key fits the algorithm, and denies it if several fit', async (t) => {
    const mixed = open(t, {
      jwt: {
        jwks: { keys: [member(p256.publicKey, { kid: 'a' }), member(rsaPair.publicKey, { kid: 'b' })] },
      },
    });
    assert.equal(await outcome(mixed, await signed(p256.privateKey, 'ES256')), 'allowed');
    assert.equal(await outcome(mixed, await signed(rsaPair.privateKey, 'PS256')), 'allowed');
    const twins = open(t, {
      jwt: {
        jwks: { keys: [member(p256.publicKey, { kid: 'a' }), member(others.p256.publicKey, { kid: 'b' })] },
      },
    });
    assert.equal(await outcome(twins, await signed(p256.privateKey, 'ES256')), 'token_key');
  });

  it('skips keys for encryption and keys of unknown types', async (t) => {
    const keys = [
      member(rsaPair.publicKey, { kid: 'enc', use: 'enc' }),
      { kty: 'future', kid: 'f' },
      member(ec('P-521').publicKey, { kid: 'p521' }),
      member(p256.publicKey, { kid: 'sig', use: 'sig', alg: 'ES256' }),
    ];
    const auth = open(t, { jwt: { jwks: { keys } } });
    assert.equal(await outcome(auth, await signed(p256.privateKey, 'ES256', {}, { kid: 'sig' })), 'allowed');
    assert.equal(
      await outcome(auth, await signed(rsaPair.privateKey, 'RS256', {}, { kid: 'enc' })),
      'token_key',
    );
  });

  it('signs with privateKey under its kid, and adds the key to the set', async (t) => {
    const { createLocalJWKSet, jwtVerify } = await import('jose');
    const own = member(edPair.privateKey, { kid: 'own' });
    const jwks = { keys: [member(p256.publicKey, { kid: 'a' })] };
    const auth = open(t, { jwt: { jwks, privateKey: own } });
    const text = await auth.tokens.issue(unique());
    assert.equal(await outcome(auth, text), 'allowed');
    const set = createLocalJWKSet({ keys: [...jwks.keys, member(edPair.publicKey, { kid: 'own' })] });
    const { protectedHeader } = await jwtVerify(text, set);
    assert.equal(protectedHeader.kid, 'own');
  });

  it('signs under the thumbprint (RFC 7638) if the private key has no kid', async (t) => {
    const { calculateJwkThumbprint } = await import('jose');
    const auth = open(t, {
      jwt: { jwks: { keys: [member(p256.publicKey, { kid: 'a' })] }, privateKey: edPair.privateKey },
    });
    const text = await auth.tokens.issue(unique());
    const header = JSON.parse(Buffer.from(text.split('.')[0], 'base64url').toString());
    assert.equal(header.kid, await calculateJwkThumbprint(jwkOf(edPair.publicKey)));
    assert.equal(await outcome(auth, text), 'allowed');
  });

  it('with the public half of privateKey treats tokens of that key as its own', async (t) => {
    const keys = [member(p256.publicKey, { kid: 'a' }), member(edPair.publicKey, { kid: 'own' })];
    const auth = open(t, { jwt: { jwks: { keys }, privateKey: edPair.privateKey } });
    const user = unique();
    await auth.tokens.revokeUser(user);
    const text = await auth.tokens.issue(user);
    assert.equal(await outcome(auth, text), 'allowed');
    assert.ok(read(text).gen > 0);
  });

  /** @type {Array<[string, any, RegExp]>} */
  const REFUSED = [
    [
      'a symmetric key',
      { keys: [member(p256.publicKey), { kty: 'oct', k: 'x'.repeat(43), kid: 's' }] },
      /jwt\.jwks\.keys\[1\].*symmetric/,
    ],
    ['a private key', { keys: [jwkOf(p256.privateKey)] }, /jwt\.jwks\.keys\[0\].*private/],
    [
      'an RSA key of 1024 bits',
      { keys: [jwkOf(crypto.generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey)] },
      /jwt\.jwks\.keys\[0\].*1024/,
    ],
    ['no key', { keys: [] }, /jwt\.jwks/],
    ['no key that verifies', { keys: [member(rsaPair.publicKey, { use: 'enc' })] }, /key/],
    ['a list in place of a set', [jwkOf(p256.publicKey)], /jwt\.jwks/],
    ['a text', JSON.stringify({ keys: [jwkOf(p256.publicKey)] }), /jwt\.jwks/],
    [
      'a kid that is not a string',
      { keys: [member(p256.publicKey, { kid: 7 })] },
      /jwt\.jwks\.keys\[0\]\.kid/,
    ],
    ['a value that is not a key', { keys: [7] }, /jwt\.jwks\.keys\[0\]/],
  ];
  for (const [what, jwks, names] of REFUSED) {
    it(`refuses ${what}`, (t) =>
      void assert.throws(() => open(t, { jwt: { jwks } }), fault('CONFIG', names)));
  }
});
