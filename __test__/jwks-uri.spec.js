// jwt.jwksUri as an option, and its effect on the process.
'use strict';

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const { authMiddleware, createAuth } = require('latchgate');
const { fault } = require('./support/auths.js');
const { runScript } = require('./support/child.js');
const { SECRET } = require('./support/jwt.js');
const { keyEndpoint, keySet, pair, signed } = require('./support/key-endpoint.js');
const { steerTimers } = require('./support/timers.js');

const URI = 'https://issuer.test/keys';

describe('jwt.jwksUri', () => {
  for (const uri of [
    'http://issuer.test/Hush-Hush',
    'http://127.0.0.1.issuer.test/Hush-Hush',
    'http://localhost.issuer.test/Hush-Hush',
    'http://10.0.0.1/Hush-Hush',
    'ftp://localhost/Hush-Hush',
    'file:///Hush-Hush',
    'https://user:Hush-Hush@issuer.test/',
    '/Hush-Hush',
    '',
    7,
    {},
  ]) {
    it(`is refused as ${JSON.stringify(uri)}, and the message does not repeat the value`, () => {
      const create = () => createAuth({ jwt: { jwksUri: /** @type {any} */ (uri) } });
      assert.throws(create, fault('CONFIG', /^jwt\.jwksUri((?!Hush).)*$/));
    });
  }

  for (const [what, beside] of /** @type {Array<[string, object]>} */ ([
    ['secret', { secret: SECRET }],
    ['publicKey', { publicKey: pair('a').jwk }],
    ['jwks', { jwks: { keys: [pair('a').jwk] } }],
  ])) {
    it(`excludes jwt.${what}`, () => {
      assert.throws(
        () => createAuth({ jwt: { jwksUri: URI, ...beside } }),
        fault('CONFIG', new RegExp(`jwksUri.*${what}|${what}.*jwksUri`)),
      );
    });
  }

  it('excludes algorithms that no key of a set can use', () => {
    const create = () => createAuth({ jwt: { jwksUri: URI, algorithms: ['HS256'] } });
    assert.throws(create, fault('CONFIG', /HS256.*jwksUri/));
  });

  it('is read from LATCHGATE_JWKS_URI', async (t) => {
    const key = pair('a');
    const endpoint = await keyEndpoint(t, key);
    process.env.LATCHGATE_JWKS_URI = endpoint.url;
    t.after(() => {
      delete process.env.LATCHGATE_JWKS_URI;
    });
    const { auth } = authMiddleware();
    t.after(() => auth.close());
    assert.equal((await auth.authenticate({ token: signed(key) })).ok, true);
  });

  it('keeps no idle process alive', async (t) => {
    const endpoint = await keyEndpoint(t, pair('a'));
    const script = `
      const auth = latchgate.createAuth({ jwt: { jwksUri: ${JSON.stringify(endpoint.url)} } });
      await auth.ready();
      console.log('ready');
    `;
    const { status, stdout, stderr } = await runScript(script);
    assert.deepEqual([status, stdout, stderr], [0, 'ready\n', '']);
  });

  it('warns once for each new failure, and when the keys are dropped', async (t) => {
    const tick = steerTimers(t);
    // Use the longest pause after each failure. With a shorter pause, the fetch would reach its deadline before the
    // response.
    t.mock.method(Math, 'random', () => 1);
    /** @type {string[]} */
    const warned = [];
    t.mock.method(process, 'emitWarning', (/** @type {string} */ text, /** @type {any} */ { code }) => {
      warned.push(`${code}: ${text.replace(/^jwt\.jwksUri: /, '')}`);
    });
    const kept = 'the keys fetched before are used for up to 24 hours';
    const key = pair('a');
    const endpoint = await keyEndpoint(t, key);
    const auth = createAuth({ jwt: { jwksUri: endpoint.url } });
    t.after(() => auth.close());
    await auth.ready();
    /**
     * Continues when the endpoint received another request and the Auth has processed the response.
     * @param {number} ms
     */
    const asks = async (ms) => {
      const { asked } = endpoint;
      tick(ms);
      await endpoint.reached(asked + 1);
      await auth.tokens.verify(signed(pair('nobody'))).catch(() => null);
    };
    endpoint.body = '{"keys":[]}';
    for (const ms of [600_000, 1000, 2000, 4000]) await asks(ms);
    assert.deepEqual(warned.splice(0), [
      `LATCHGATE_KEYS: its answer holds no key that verifies tokens: ${kept}`,
    ]);
    endpoint.status = 500;
    for (const ms of [8000, 16_000]) await asks(ms);
    assert.deepEqual(warned.splice(0), [`LATCHGATE_KEYS: it answered with status 500: ${kept}`]);
    Object.assign(endpoint, { status: 200, body: keySet(key) });
    await asks(30_000);
    assert.deepEqual((await auth.health()).warnings, []);
    endpoint.body = '{"keys":[]}';
    await asks(600_000);
    assert.deepEqual(warned.splice(0), [
      `LATCHGATE_KEYS: its answer holds no key that verifies tokens: ${kept}`,
    ]);
    assert.equal((await auth.authenticate({ token: signed(key) })).ok, true);
    tick(24 * 60 * 60_000);
    assert.equal(warned.length, 1);
    assert.match(warned[0], /: no token that needs its keys is accepted$/);
    assert.equal((await auth.health()).ok, false);
  });

  it('warns once of an outage, without the address', async () => {
    const script = `
      const auth = latchgate.createAuth({ jwt: { jwksUri: 'http://127.0.0.1:1/?Hush-Hush' } });
      await auth.ready().catch((error) => console.log(error.code, error.message));
      await auth.ready().catch(() => {});
      await auth.close();
    `;
    const { status, stdout, stderr } = await runScript(script);
    assert.equal(status, 0);
    assert.match(stdout, /^ERR_LATCHGATE_STORE_UNAVAILABLE jwt\.jwksUri: [\w ]+\n$/);
    assert.equal(stderr.match(/LATCHGATE_KEYS/g)?.length, 1, stderr);
    assert.doesNotMatch(stdout + stderr, /Hush|127\.0\.0\.1/);
  });
});
