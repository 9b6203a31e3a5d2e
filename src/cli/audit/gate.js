'use strict';
// A burst of requests that arrive as nearly at once as can be: each is written but for its last byte, and when all of them lie
// there the last bytes are written in one go. So the server has read every request to the end within a fraction of a millisecond.

const { once, setMaxListeners } = require('node:events');
const http = require('node:http');
const https = require('node:https');
const net = require('node:net');
const tls = require('node:tls');

/**
 * @typedef {object} Call
 * @property {string} method
 * @property {string} path
 * @property {Record<string, string>} headers
 * @property {string} body
 *
 * @typedef {object} Answer
 * @property {number} status 0: the connection ended without an answer, or took too long
 * @property {string} text
 * @property {http.IncomingHttpHeaders} headers
 * @property {number} sent milliseconds, by a clock that nobody sets
 * @property {number} done
 */

/** No answer is read further: what it says stands at its beginning. */
const MOST = 64 * 1024;

/** @param {URL} base @param {AbortSignal} signal */
async function connect(base, signal) {
  const secure = base.protocol === 'https:';
  const host = base.hostname.replace(/^\[|\]$/g, '');
  const port = Number(base.port || (secure ? 443 : 80));
  const socket = secure
    ? tls.connect({ host, port, servername: net.isIP(host) ? '' : host, ALPNProtocols: ['http/1.1'] })
    : net.connect({ host, port });
  socket.setNoDelay(true);
  // With the burst it ends in any case.
  signal.addEventListener('abort', () => socket.destroy(), { once: true });
  await once(socket, secure ? 'secureConnect' : 'connect', { signal });
  return socket;
}

/**
 * Holds back what is written to a socket.
 * @param {import('node:net').Socket} socket
 */
function hold(socket) {
  /** @type {Buffer[]} */
  const held = [];
  const write = socket.write;
  socket.write = /** @type {any} */ (
    (/** @type {any} */ chunk, /** @type {any} */ encoding, /** @type {any} */ done) => {
      held.push(Buffer.from(chunk, typeof encoding === 'string' ? /** @type {any} */ (encoding) : 'utf8'));
      const after = typeof encoding === 'function' ? encoding : done;
      if (after) process.nextTick(after);
      return true;
    }
  );
  let last = Buffer.alloc(0);
  return {
    /** All but the last byte. */
    prepare: () =>
      new Promise((resolve) => {
        const all = Buffer.concat(held);
        last = all.subarray(-1);
        socket.write = write;
        socket.write(all.subarray(0, -1), resolve);
      }),
    release: () => socket.write(last),
  };
}

/**
 * @param {URL} base
 * @param {Call} call
 * @param {{ signal: AbortSignal }} options
 */
async function prepared(base, { method, path, headers, body }, { signal }) {
  const socket = await connect(base, signal);
  const gate = hold(socket);
  const { request: make } = base.protocol === 'https:' ? https : http;
  const request = make({
    host: base.hostname,
    method,
    path,
    headers: {
      host: base.host,
      ...headers,
      ...(body ? { 'content-length': String(Buffer.byteLength(body)) } : {}),
    },
    createConnection: () => socket,
    signal,
  });
  let sent = 0;
  /** @type {Promise<Answer>} */
  const answer = new Promise((resolve) => {
    const none = () => resolve({ status: 0, text: '', headers: {}, sent, done: performance.now() });
    request.on('error', none);
    request.on('response', (response) => {
      const done = performance.now();
      const { statusCode: status = 0 } = response;
      let text = '';
      response.setEncoding('utf8').on('data', (chunk) => {
        if (text.length < MOST) text += chunk;
      });
      response.on('error', none);
      response.on('end', () => resolve({ status, text, headers: response.headers, sent, done }));
    });
  });
  const ended = answer.finally(() => socket.destroy());
  const flushed = new Promise((resolve) => request.end(body, () => resolve(undefined)));
  // The request puts its bytes on the socket in a later turn.
  await Promise.race([flushed, ended]);
  await gate.prepare();
  return {
    release: () => {
      sent = performance.now();
      gate.release();
    },
    answer: ended,
  };
}

/**
 * Sends all of them together.
 * @param {URL} base
 * @param {Call[]} calls
 * @param {{ patience: number }} options milliseconds until an answer is given up
 * @returns {Promise<Answer[]>} in the order of the calls
 */
async function burst(base, calls, { patience }) {
  const end = new AbortController();
  const { signal } = end;
  const timer = setTimeout(() => end.abort(), patience);
  setMaxListeners(0, signal);
  try {
    const ready = await Promise.all(calls.map((call) => prepared(base, call, { signal })));
    for (const { release } of ready) release();
    return await Promise.all(ready.map(({ answer }) => answer));
  } finally {
    clearTimeout(timer);
    // Where one could not be prepared, the others would wait for a last byte that never comes.
    end.abort();
  }
}

module.exports = { burst };
