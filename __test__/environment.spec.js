// Environment variables that replace missing options.
'use strict';

const assert = require('node:assert/strict');
const crypto = require('node:crypto');
const { afterEach, beforeEach, describe, it } = require('node:test');
const { authMiddleware, createAuth } = require('latchgate');
const { serve } = require('./support/app.js');
const { fault, unique } = require('./support/auths.js');
const { get } = require('./support/http.js');
const { SECRET, jwkOf, token } = require('./support/jwt.js');

const NAMES = [
  'LATCHGATE_STORE',
  'LATCHGATE_JWT_SECRET',
  'LATCHGATE_JWT_PUBLIC_KEY',
  'LATCHGATE_JWKS_URI',
  'LATCHGATE_ISSUER',
  'LATCHGATE_AUDIENCE',
  'LATCHGATE_SESSION_LIMIT',
];

function clear() {
  for (const name of NAMES) delete process.env[name];
}

/** @param {Record<string, string>} variables without their prefix */
function set(variables) {
  for (const [name, value] of Object.entries(variables)) process.env[`LATCHGATE_${name}`] = value;
}

beforeEach(clear);
afterEach(clear);

/** @param {any} auth @param {string} text @returns {Promise<string>} */
async function outcome(auth, text) {
  const answer = await auth.authenticate({ token: text });
  return answer.ok ? 'allowed' : answer.reason;
}

describe('the environment', () => {
  it('suffices for authMiddleware()', async (t) => {
    set({ JWT_SECRET: SECRET, ISSUER: 'https://a.test', AUDIENCE: 'api', SESSION_LIMIT: '1' });
    const middleware = authMiddleware();
    clear();
    const port = await serve(t, (app) => {
      app.use(middleware);
      app.get('/', (req, res) => void res.json(req.auth?.session?.limit));
    });
    const claims = { sub: unique(), iss: 'https://a.test', aud: 'api' };
    assert.equal((await get(port, '/', token({ ...claims, sid: 'a' }))).body, '1');
    assert.equal((await get(port, '/', token({ ...claims, sid: 'b' }))).status, 403);
    assert.equal((await get(port, '/', token({ ...claims, iss: 'https://b.test' }))).status, 401);
    assert.equal((await get(port, '/', token({ ...claims, aud: 'web' }))).status, 401);
  });

  it('without a key makes authMiddleware() throw immediately, and the message names the cure', () => {
    assert.throws(() => authMiddleware(), fault('CONFIG', /LATCHGATE_JWT_SECRET/));
    assert.throws(
      () => authMiddleware({ jwt: { issuer: 'https://a.test' } }),
      fault('CONFIG', /LATCHGATE_JWT_SECRET/),
    );
  });

  it('holds a public key as PEM, with real or escaped line ends, or as a JWK', async () => {
    const { publicKey, privateKey } = crypto.generateKeyPairSync('ed25519');
    const pem = publicKey.export({ format: 'pem', type: 'spki' }).toString();
    const text = token({}, { alg: 'EdDSA', key: privateKey });
    for (const value of [pem, pem.replaceAll('\n', '\\n'), JSON.stringify(jwkOf(publicKey))]) {
      set({ JWT_PUBLIC_KEY: value });
      assert.equal(await outcome(createAuth(), text), 'allowed');
    }
  });

  it('supplies a key only if the options contain none', async () => {
    set({ JWT_SECRET: SECRET });
    const { publicKey } = crypto.generateKeyPairSync('ed25519');
    assert.equal(await outcome(createAuth({ jwt: { audience: 'api' } }), token({ aud: 'api' })), 'allowed');
    assert.equal(await outcome(createAuth({ jwt: { publicKey } }), token()), 'token_algorithm');
    set({ JWT_PUBLIC_KEY: 'ignored here' });
    assert.equal(await outcome(createAuth({ jwt: { secret: SECRET } }), token()), 'allowed');
  });

  it('yields to each given option', async () => {
    set({
      JWT_SECRET: SECRET,
      ISSUER: 'https://a.test',
      AUDIENCE: 'api',
      SESSION_LIMIT: '1',
      STORE: 'redis://nowhere',
    });
    const auth = createAuth({
      store: 'memory:',
      jwt: { issuer: 'https://b.test', audience: 'web' },
      sessions: { limit: 2 },
    });
    const user = unique();
    for (const admitted of [true, true, false])
      assert.equal((await auth.sessions.admit(user)).admitted, admitted);
    const claims = { sub: user, iss: 'https://b.test', aud: 'web' };
    assert.equal(await outcome(auth, token(claims)), 'session_unknown');
    assert.equal(await outcome(auth, token({ ...claims, iss: 'https://a.test' })), 'token_issuer');
  });

  it('chooses the store', async () => {
    const name = unique('memory:s');
    set({ STORE: name });
    const [one, two] = [createAuth(), createAuth({ store: name })];
    await one.sessions.admit('u', { sessionId: 's' });
    assert.equal((await two.sessions.list('u')).length, 1);
  });

  it('with a session limit checks sessions: by first use in authMiddleware(), and on request in createAuth()', async () => {
    set({ JWT_SECRET: SECRET, SESSION_LIMIT: '1' });
    const sub = unique();
    assert.equal(await outcome(authMiddleware().auth, token({ sub, sid: 'a' })), 'allowed');
    assert.equal(
      await outcome(createAuth(), token({ sub, sid: 'a' })),
      'allowed',
      'sessions are not checked',
    );
    assert.equal(
      await outcome(createAuth({ sessions: { admission: 'first-use' } }), token({ sub, sid: 'a' })),
      'allowed',
    );
  });

  for (const name of NAMES) {
    for (const value of ['', '  ']) {
      it(`with ${name} set to ${JSON.stringify(value)} is refused`, () => {
        process.env[name] = value;
        assert.throws(() => createAuth(), fault('CONFIG', new RegExp(name)));
      });
    }
  }

  for (const limit of ['-1', '1.5', 'three', '4294967296', '0x10', '1e3', ' 3', 'NaN']) {
    it(`with LATCHGATE_SESSION_LIMIT=${limit} is refused, and never means no limit`, () => {
      set({ JWT_SECRET: SECRET, SESSION_LIMIT: limit });
      assert.throws(() => authMiddleware(), fault('CONFIG', /LATCHGATE_SESSION_LIMIT/));
    });
  }

  /** @type {Array<[string, Record<string, string>, RegExp]>} */
  const REFUSED = [
    ['a short secret', { JWT_SECRET: 'Hush-Hush' }, /LATCHGATE_JWT_SECRET/],
    [
      'two kinds of key',
      { JWT_SECRET: SECRET, JWT_PUBLIC_KEY: 'x' },
      /LATCHGATE_JWT_SECRET and LATCHGATE_JWT_PUBLIC_KEY/,
    ],
    ['a path in place of a key', { JWT_PUBLIC_KEY: './Hush-Hush.pem' }, /LATCHGATE_JWT_PUBLIC_KEY/],
    ['a key set over plain http', { JWKS_URI: 'http://issuer.test/Hush-Hush' }, /LATCHGATE_JWKS_URI/],
    [
      'a store of another kind',
      { JWT_SECRET: SECRET, STORE: 'postgres://u:Hush-Hush@h' },
      /^LATCHGATE_STORE must/,
    ],
  ];
  for (const [what, variables, names] of REFUSED) {
    it(`with ${what} is refused with the name of the variable, without its value`, () => {
      set(variables);
      assert.throws(() => authMiddleware(), fault('CONFIG', names));
      assert.throws(
        () => authMiddleware(),
        (/** @type {any} */ error) => !error.message.includes('Hush-Hush'),
      );
    });
  }
});
