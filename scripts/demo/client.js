// The demo's HTTP client. Races are only races if the requests leave together, so sockets are connected first.
'use strict';

const { once } = require('node:events');
const http = require('node:http');
const net = require('node:net');

/** @typedef {{ method?: string, path: string, token?: string, key?: string, cookie?: string, body?: object }} Call */
/** @typedef {{ status: number, body: any, cookie?: string }} Answer cookie: the first that was set, to be brought again */

const HOST = '127.0.0.1';

/** An error page is no JSON; the demo counts it as refused. @param {string} text */
function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/**
 * @param {number} port
 * @param {Call} call
 * @param {http.RequestOptions} [connection]
 * @returns {Promise<Answer>}
 */
function send(port, { method = 'POST', path, token, key, cookie, body }, connection) {
  return new Promise((resolve, reject) => {
    const text = body === undefined ? '' : JSON.stringify(body);
    const request = http.request({
      host: HOST,
      port,
      method,
      path,
      headers: {
        'content-length': Buffer.byteLength(text),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(key === undefined ? {} : { 'x-api-key': key }),
        ...(cookie === undefined ? {} : { cookie }),
      },
      ...connection,
    });
    request.on('error', reject);
    request.on('response', (response) => {
      let received = '';
      response.setEncoding('utf8');
      response.on('data', (chunk) => {
        received += chunk;
      });
      response.on('error', reject);
      response.on('end', () => {
        const set = response.headers['set-cookie']?.[0]?.split(';')[0];
        const answer = { status: response.statusCode ?? 0, body: parse(received) };
        resolve(set === undefined ? answer : { ...answer, cookie: set });
      });
    });
    request.end(text);
  });
}

/**
 * Connects one socket for each call, then writes all the requests in one go.
 * @param {number} port
 * @param {Call[]} calls
 * @returns {Promise<Answer[]>}
 */
async function sendTogether(port, calls) {
  const sockets = await Promise.all(
    calls.map(async () => {
      const socket = net.connect({ host: HOST, port, noDelay: true });
      await once(socket, 'connect');
      return socket;
    }),
  );
  try {
    return await Promise.all(
      calls.map((call, index) => {
        const socket = /** @type {net.Socket} */ (sockets[index]);
        return send(port, call, { createConnection: () => socket });
      }),
    );
  } finally {
    for (const socket of sockets) socket.destroy();
  }
}

module.exports = { send, sendTogether };
