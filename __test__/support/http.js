// An HTTP client on a bare socket: header lines go out as they are given, repeated ones and unreadable ones included.
'use strict';

const net = require('node:net');

/**
 * @typedef {object} Answer
 * @property {number} status 0 where the connection ended without an answer
 * @property {(name: string) => string | undefined} header the value; several are joined with ' | '
 * @property {string[]} names of the headers, in lower case
 * @property {string} body
 */

/** @param {Buffer} bytes @returns {Answer} */
function parse(bytes) {
  const text = bytes.toString('latin1');
  const end = text.indexOf('\r\n\r\n');
  if (end < 0) return { status: 0, header: () => undefined, names: [], body: '' };
  const [first, ...lines] = text.slice(0, end).split('\r\n');
  const pairs = lines.map((line) => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
  });
  /** @param {string} name */
  const header = (name) => {
    const values = pairs.filter(([key]) => key === name.toLowerCase()).map(([, value]) => value);
    return values.length === 0 ? undefined : values.join(' | ');
  };
  const rest = text.slice(end + 4);
  const body = header('transfer-encoding') === 'chunked' ? unchunk(rest) : rest;
  return {
    status: Number(first.split(' ')[1]),
    header,
    names: pairs.map(([name]) => name),
    body: Buffer.from(body, 'latin1').toString(),
  };
}

/** @param {string} text @returns {string} */
function unchunk(text) {
  const line = text.indexOf('\r\n');
  const size = Number.parseInt(text.slice(0, line), 16);
  if (!(size > 0)) return '';
  const start = line + 2;
  return text.slice(start, start + size) + unchunk(text.slice(start + size + 2));
}

/**
 * @typedef {object} Question
 * @property {string} [method]
 * @property {string} [path]
 * @property {Array<string | Buffer>} [headers] whole lines, without their ends
 * @property {string} [body]
 */

/**
 * One request over a connection of its own. A connection that breaks is an answer too: status 0.
 * @param {number} port
 * @param {Question} [question]
 * @returns {Promise<Answer>}
 */
function send(port, { method = 'GET', path = '/', headers = [], body = '' } = {}) {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1');
    /** @type {Buffer[]} */
    const received = [];
    socket.on('data', (chunk) => received.push(chunk));
    socket.on('error', () => {});
    socket.on('close', () => resolve(parse(Buffer.concat(received))));
    const length = body === '' ? [] : [`Content-Length: ${Buffer.byteLength(body)}`];
    const lines = [`${method} ${path} HTTP/1.1`, 'Host: test', 'Connection: close', ...headers, ...length];
    for (const line of lines) socket.write(Buffer.concat([Buffer.from(line), Buffer.from('\r\n')]));
    socket.write(`\r\n${body}`);
  });
}

/**
 * @param {number} port
 * @param {string} path
 * @param {string} [token] for a Bearer header
 */
function get(port, path, token) {
  return send(port, { path, headers: token === undefined ? [] : [`Authorization: Bearer ${token}`] });
}

module.exports = { get, send };
