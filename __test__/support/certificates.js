// An authority and a server certificate for the loopback interface, made by the openssl command at test time.
'use strict';

const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');

/** @typedef {{ ca: string, cert: string, key: string }} Certificates paths of PEM files */

/** @param {string} directory @returns {Certificates} */
function makeCertificates(directory) {
  const at = (/** @type {string} */ name) => path.join(directory, name);
  const openssl = (/** @type {string[]} */ ...args) =>
    execFileSync('openssl', args, { stdio: ['ignore', 'ignore', 'pipe'] });
  const ec = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  const authority = [
    '-addext',
    'basicConstraints=critical,CA:TRUE',
    '-addext',
    'keyUsage=critical,keyCertSign',
  ];
  openssl(
    'req',
    '-x509',
    ...ec,
    '-days',
    '2',
    '-subj',
    '/CN=latchgate tests',
    ...authority,
    '-keyout',
    at('ca.key'),
    '-out',
    at('ca.pem'),
  );
  openssl('req', ...ec, '-subj', '/CN=localhost', '-keyout', at('server.key'), '-out', at('server.csr'));
  fs.writeFileSync(
    at('server.ext'),
    'subjectAltName=DNS:localhost,IP:127.0.0.1\nbasicConstraints=CA:FALSE\nextendedKeyUsage=serverAuth\n',
  );
  openssl(
    'x509',
    '-req',
    '-in',
    at('server.csr'),
    '-CA',
    at('ca.pem'),
    '-CAkey',
    at('ca.key'),
    '-CAcreateserial',
    '-days',
    '2',
    '-extfile',
    at('server.ext'),
    '-out',
    at('server.pem'),
  );
  return { ca: at('ca.pem'), cert: at('server.pem'), key: at('server.key') };
}

/** This process trusts that authority alone for as long as the test runs. @param {import('./started.js').Test} t @param {string} ca */
function trust(t, ca) {
  const before = process.env.SSL_CERT_FILE;
  process.env.SSL_CERT_FILE = ca;
  t.after(() => {
    if (before === undefined) delete process.env.SSL_CERT_FILE;
    else process.env.SSL_CERT_FILE = before;
  });
}

module.exports = { makeCertificates, trust };
