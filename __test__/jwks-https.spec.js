// jwt.jwksUri over https: the Auth fetches keys only from a server with a trusted certificate.
'use strict';

const assert = require('node:assert/strict');
const { once } = require('node:events');
const fs = require('node:fs');
const https = require('node:https');
const { describe, it } = require('node:test');
const { makeCertificates } = require('./support/certificates.js');
const { runScript } = require('./support/child.js');
const { keySet, pair, signed } = require('./support/key-endpoint.js');
const { ownDirectory } = require('./support/started.js');

/**
 * @param {import('node:test').TestContext} t
 * @param {string} [address] the certificate is for localhost and 127.0.0.1
 */
async function secureEndpoint(t, address = '127.0.0.1') {
  const { ca, cert, key } = makeCertificates(ownDirectory(t, 'test'));
  const keys = pair('a');
  const seen = { asked: 0 };
  const server = https.createServer(
    { cert: fs.readFileSync(cert), key: fs.readFileSync(key) },
    (_req, res) => {
      seen.asked++;
      res.end(keySet(keys));
    },
  );
  await once(server.listen(0, address), 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  /**
   * Runs in a separate process, because Node reads its trusted certificates only at start.
   * @param {string} host
   * @param {string} [trusted]
   */
  const ask = async (host, trusted) => {
    const { status, stdout, stderr } = await runScript(
      `const auth = latchgate.createAuth({ jwt: { jwksUri: 'https://${host}:${port}/keys' } });
      const { ok, status, reason, auth: of } = await auth.authenticate({ token: ${JSON.stringify(signed(keys, { sub: 'u' }))} });
      console.log(JSON.stringify(ok ? { ok, userId: of.userId } : { ok, status, reason }));
      await auth.close();`,
      { env: { NODE_EXTRA_CA_CERTS: trusted } },
    );
    assert.equal(status, 0);
    return { ...JSON.parse(stdout), why: /[A-Z]+(_[A-Z]+)*_(CERT|SIGNATURE)\w*/.exec(stderr)?.[0] };
  };
  return { ask, ca, seen };
}

describe('jwt.jwksUri over https', () => {
  it('fetches keys from a server with a trusted certificate', async (t) => {
    const { ask, ca, seen } = await secureEndpoint(t);
    assert.deepEqual(await ask('localhost', ca), { ok: true, userId: 'u', why: undefined });
    assert.equal(seen.asked, 1);
  });

  it('and from no other server: the token is neither allowed nor called invalid', async (t) => {
    const { ask, seen } = await secureEndpoint(t);
    const other = await secureEndpoint(t, '127.0.0.2');
    const unavailable = { ok: false, status: 503, reason: 'keys_unavailable' };
    assert.deepEqual(await ask('localhost'), { ...unavailable, why: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' });
    const why = 'ERR_TLS_CERT_ALTNAME_INVALID';
    assert.deepEqual(await other.ask('127.0.0.2', other.ca), { ...unavailable, why });
    assert.deepEqual([seen.asked, other.seen.asked], [0, 0]);
  });
});
