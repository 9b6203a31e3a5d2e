// Test with a real OpenID provider: from its discovery document to a protected route, and through a key rotation.
'use strict';

const assert = require('node:assert/strict');
const crypto = require('node:crypto');
const { describe, it } = require('node:test');
const { createAuth } = require('latchgate');
const { listen, serve } = require('./support/app.js');
const { get } = require('./support/http.js');
const { jwkOf } = require('./support/jwt.js');
const { steerTimers } = require('./support/timers.js');

const RESOURCE = 'https://api.test/';
const CLIENT = { id: 'shop', secret: 'a-secret-of-the-client' };

/** @param {string} kid @param {'RS256' | 'ES256'} alg */
function signingJwk(kid, alg) {
  const { privateKey } =
    alg === 'RS256'
      ? crypto.generateKeyPairSync('rsa', { modulusLength: 2048 })
      : crypto.generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return { ...jwkOf(privateKey), kid, alg, use: 'sig' };
}

/**
 * @param {string} issuer
 * @param {ReturnType<typeof signingJwk>} jwk
 */
async function provider(issuer, jwk) {
  // The package has no type declarations.
  const library = 'oidc-provider';
  const { default: Provider } = await import(library);
  return new Provider(issuer, {
    jwks: { keys: [jwk] },
    cookies: { keys: ['a key for cookies'] },
    clients: [
      {
        client_id: CLIENT.id,
        client_secret: CLIENT.secret,
        grant_types: ['client_credentials'],
        redirect_uris: [],
        response_types: [],
        id_token_signed_response_alg: jwk.alg,
      },
    ],
    features: {
      clientCredentials: { enabled: true },
      devInteractions: { enabled: false },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => RESOURCE,
        getResourceServerInfo: () => ({
          scope: 'read write',
          audience: RESOURCE,
          accessTokenFormat: 'jwt',
          jwt: { sign: { alg: jwk.alg } },
        }),
      },
    },
  });
}

describe('with a real OpenID provider', () => {
  it('its tokens are accepted while its discovery document lists their keys, and denied after a key rotation', async (t) => {
    const tick = steerTimers(t);
    /** @type {import('node:http').RequestListener} */
    let handle = () => {};
    const site = await listen((req, res) => handle(req, res));
    t.after(site.close);
    const issuer = `http://127.0.0.1:${site.port}`;
    handle = (await provider(issuer, signingJwk('one', 'RS256'))).callback();

    const discovery = /** @type {any} */ (
      await (await fetch(`${issuer}/.well-known/openid-configuration`)).json()
    );
    assert.equal(discovery.issuer, issuer);
    const newToken = async () => {
      const body = new URLSearchParams({ grant_type: 'client_credentials', scope: 'read' });
      const basic = Buffer.from(`${CLIENT.id}:${CLIENT.secret}`).toString('base64');
      const headers = { authorization: `Basic ${basic}` };
      const answer = await fetch(discovery.token_endpoint, { method: 'POST', headers, body });
      const { access_token: token } = /** @type {any} */ (await answer.json());
      return /** @type {string} */ (token);
    };

    const auth = createAuth({
      jwt: { jwksUri: discovery.jwks_uri, issuer: discovery.issuer, audience: RESOURCE },
    });
    t.after(() => auth.close());
    const port = await serve(t, (app) => {
      app.get('/', auth.middleware({ scope: 'read' }), (req, res) => res.json(req.auth?.userId));
      app.get('/write', auth.middleware({ scope: 'write' }), (_req, res) => res.json(null));
    });
    const ask = async (/** @type {string} */ token, path = '/') => (await get(port, path, token)).status;

    const before = await newToken();
    assert.equal((await get(port, '/', before)).body, JSON.stringify(CLIENT.id));
    assert.equal(await ask(before, '/write'), 403);
    assert.equal(await ask(`${before.slice(0, -8)}AAAAAAAA`), 401);

    handle = (await provider(issuer, signingJwk('two', 'ES256'))).callback();
    const after = await newToken();
    assert.equal(await ask(after), 401, 'the key set is not fetched again so soon');
    tick(30_000);
    assert.equal(await ask(after), 200);
    assert.equal(await ask(before), 401);
  });
});
