'use strict';
// A keep-alive client that costs as little as can be: it shares the processors with what it measures. Requests are bytes made
// beforehand, and of a response it looks for the end and the status.

const net = require('node:net');

const OK_END = Buffer.from('\r\n\r\nok');
const TWO = 0x32;

/** @param {string} token @param {string} [path] */
const requestBytes = (token, path = '/') =>
  Buffer.from(`GET ${path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${token}\r\n\r\n`, 'latin1');

class Connection {
  /** @type {(ok: boolean) => void} */
  onResponse = () => {};
  /** @type {Buffer | undefined} */
  #rest;

  /** @param {number} port @param {() => void} onReady */
  constructor(port, onReady) {
    this.socket = net.connect({
      host: '127.0.0.1',
      port,
      noDelay: true,
      onread: {
        buffer: Buffer.allocUnsafe(8192),
        callback: (count, buffer) => {
          this.#read(buffer.subarray(0, count));
          return true;
        },
      },
    });
    this.socket.once('connect', onReady);
    this.socket.on('error', (error) => {
      throw error;
    });
  }

  /** @param {Buffer} bytes of a request; the one before must have been answered */
  send(bytes) {
    this.socket.write(bytes);
  }

  /** @param {Uint8Array} chunk */
  #read(chunk) {
    const bytes =
      this.#rest === undefined
        ? Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length)
        : Buffer.concat([this.#rest, chunk]);
    if (!isWhole(bytes)) {
      this.#rest = Buffer.from(bytes);
      return;
    }
    this.#rest = undefined;
    this.onResponse(bytes[9] === TWO);
  }

  close() {
    this.socket.destroy();
  }
}

/** @param {Buffer} bytes */
function isWhole(bytes) {
  const { length } = bytes;
  if (length > OK_END.length && bytes.compare(OK_END, 0, OK_END.length, length - OK_END.length) === 0)
    return true;
  const end = bytes.indexOf('\r\n\r\n');
  if (end === -1) return false;
  const head = bytes.toString('latin1', 0, end);
  const size = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
  if (size !== undefined) return length >= end + 4 + Number(size);
  return bytes.toString('latin1', length - 5, length) === '0\r\n\r\n';
}

/** @param {number} port @param {number} count @returns {Promise<Connection[]>} */
async function connect(port, count) {
  /** @type {Connection[]} */
  const all = [];
  for (let at = 0; at < count; at++) {
    await new Promise((resolve) => {
      all.push(new Connection(port, () => resolve(undefined)));
    });
  }
  return all;
}

module.exports = { connect, requestBytes };
