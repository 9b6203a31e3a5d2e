'use strict';
// A connection to a server, one command at a time, in RESP2: for looking at it, not for requests.

const fs = require('node:fs');
const net = require('node:net');
const tls = require('node:tls');

const CONNECT_MS = 3000;
const REPLY_MS = 5000;
const CR = 13;

/** What a server answers with an error; `code` is its first word. */
class Refused extends Error {
  get code() {
    return this.message.split(' ', 1)[0];
  }
}

/**
 * @typedef {object} Target
 * @property {string} [host]
 * @property {number} [port]
 * @property {string} [path] of a socket
 * @property {boolean} tls
 * @property {boolean} insecure
 * @property {import('./store-url.js').Login} login
 * @property {number} db
 */

class Connection {
  #socket;
  #bytes = Buffer.alloc(0);
  /** @type {{ resolve: (value: any) => void, reject: (error: Error) => void } | undefined} */
  #waiting;

  /** @param {net.Socket} socket */
  constructor(socket) {
    this.#socket = socket;
    socket.on('data', (chunk) => {
      this.#bytes = Buffer.concat([this.#bytes, chunk]);
      this.#read();
    });
    socket.on('error', (error) => this.#fail(error));
    socket.on('close', () => this.#fail(new Error('the server closed the connection')));
  }

  /**
   * Rejects with Refused where the server answers with an error, which leaves the connection as it is.
   * @param {Array<string | number>} args
   * @returns {Promise<any>}
   */
  async command(...args) {
    const words = args.map((arg) => `$${Buffer.byteLength(String(arg))}\r\n${arg}\r\n`);
    const timer = setTimeout(() => this.#socket.destroy(new Error('the server does not answer')), REPLY_MS);
    try {
      return await new Promise((resolve, reject) => {
        this.#waiting = { resolve, reject };
        if (this.#socket.destroyed) this.#fail(new Error('the connection is closed'));
        else this.#socket.write(`*${args.length}\r\n${words.join('')}`);
      });
    } finally {
      clearTimeout(timer);
    }
  }

  close() {
    this.#socket.destroy();
  }

  #read() {
    try {
      const found = decode(this.#bytes, 0);
      if (found === undefined) return;
      this.#bytes = this.#bytes.subarray(found.end);
      const waiting = this.#waiting;
      this.#waiting = undefined;
      if (found.value instanceof Refused) waiting?.reject(found.value);
      else waiting?.resolve(found.value);
    } catch (error) {
      this.#socket.destroy(/** @type {Error} */ (error));
    }
  }

  /** @param {Error} error */
  #fail(error) {
    this.#waiting?.reject(error);
    this.#waiting = undefined;
  }
}

/**
 * @param {Buffer} bytes
 * @param {number} at
 * @returns {{ value: any, end: number } | undefined} undefined where it has not all arrived
 */
function decode(bytes, at) {
  const line = bytes.indexOf(CR, at);
  if (line < 0 || line + 2 > bytes.length) return undefined;
  const text = bytes.toString('utf8', at + 1, line);
  const end = line + 2;
  const size = Number(text);
  switch (String.fromCharCode(bytes[at])) {
    case '+':
      return { value: text, end };
    case '-':
      return { value: new Refused(text), end };
    case ':':
      return { value: size, end };
    case '$':
      if (size < 0) return { value: null, end };
      if (bytes.length < end + size + 2) return undefined;
      return { value: bytes.toString('utf8', end, end + size), end: end + size + 2 };
    case '*':
      return size < 0 ? { value: null, end } : items(bytes, end, size);
    default:
      throw new Error('it does not speak the protocol of Redis');
  }
}

/** @param {Buffer} bytes @param {number} at @param {number} size */
function items(bytes, at, size) {
  const value = [];
  let end = at;
  while (value.length < size) {
    const item = decode(bytes, end);
    if (item === undefined) return undefined;
    value.push(item.value);
    end = item.end;
  }
  return { value, end };
}

/**
 * Connects, logs in and chooses the database.
 * @param {Target} target
 * @returns {Promise<Connection>}
 */
async function connect(target) {
  const socket = await open(target);
  const connection = new Connection(socket);
  try {
    const { user, password } = target.login;
    if (password !== undefined) await connection.command('AUTH', user ?? 'default', password);
    if (target.db !== 0) await connection.command('SELECT', target.db);
    return connection;
  } catch (error) {
    connection.close();
    throw error;
  }
}

/** @param {Target} target @returns {Promise<net.Socket>} */
function open({ host = '', port = 0, path, tls: secure, insecure }) {
  return new Promise((resolve, reject) => {
    const servername = net.isIP(host) === 0 ? host : undefined;
    const socket = secure
      ? tls.connect({ host, port, servername, rejectUnauthorized: !insecure, ca: authorities() })
      : net.connect(path === undefined ? { host, port } : { path });
    const timer = setTimeout(() => socket.destroy(new Error('no connection in time')), CONNECT_MS);
    socket.once('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
    socket.once(secure ? 'secureConnect' : 'connect', () => {
      clearTimeout(timer);
      resolve(socket);
    });
  });
}

/** The addon trusts what SSL_CERT_FILE names; so does this. @returns {string[] | undefined} */
function authorities() {
  const file = process.env.SSL_CERT_FILE;
  return file === undefined ? undefined : [fs.readFileSync(file, 'utf8')];
}

module.exports = { Refused, connect };
