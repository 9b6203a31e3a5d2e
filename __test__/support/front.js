// How clients reach the proxy of the tests: over TCP, over TCP with TLS, or over a unix socket.
'use strict';

const fs = require('node:fs');
const net = require('node:net');
const path = require('node:path');
const tls = require('node:tls');
const { makeCertificates } = require('./certificates.js');
const { ownDirectory } = require('./started.js');

/** @typedef {{ certificates?: import('./certificates.js').Certificates, path?: string }} Front */

const WAYS = /** @type {const} */ (['TCP', 'TLS', 'a unix socket']);
/** @typedef {(typeof WAYS)[number]} Way */

/** @param {import('./started.js').Test} t @param {Way} way @returns {Front} */
function frontOf(t, way) {
  if (way === 'TCP') return {};
  const directory = ownDirectory(t, 'proxy');
  return way === 'TLS'
    ? { certificates: makeCertificates(directory) }
    : { path: path.join(directory, 'proxy.sock') };
}

/** @param {Front} front @param {(client: net.Socket) => void} accept @returns {net.Server} */
function serverOf({ certificates }, accept) {
  if (certificates === undefined) return net.createServer(accept);
  const [cert, key] = [certificates.cert, certificates.key].map((file) => fs.readFileSync(file));
  // Whoever breaks off in the middle of a handshake is nobody's client.
  return tls.createServer({ cert, key }, accept).on('tlsClientError', () => {});
}

/** @param {Front} front @param {number} port @returns {string} for the option `store` */
function urlOf({ certificates, path: socket }, port) {
  if (socket !== undefined) return `redis+unix://${socket}`;
  return certificates === undefined ? `redis://127.0.0.1:${port}` : `rediss://127.0.0.1:${port}#insecure`;
}

module.exports = { WAYS, frontOf, serverOf, urlOf };
