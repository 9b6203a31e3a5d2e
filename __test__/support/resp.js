// The wire format of Redis and Valkey: frames out of a stream of bytes, and a client that sends one command at a time or
// many. The tests' own, so that what they see of a server does not pass through what they test.
'use strict';

const net = require('node:net');
const tls = require('node:tls');

const CR = 13;

/**
 * The index after the frame that begins at `at`, or -1 where it has not all arrived.
 * @param {Buffer} bytes
 * @param {number} at
 * @returns {number}
 */
function endOfFrame(bytes, at) {
  const line = bytes.indexOf(CR, at);
  if (line < 0 || line + 2 > bytes.length) return -1;
  const type = String.fromCharCode(bytes[at]);
  const size = Number(bytes.toString('latin1', at + 1, line));
  if ('$=!'.includes(type)) {
    const end = size < 0 ? line + 2 : line + 2 + size + 2;
    return end <= bytes.length ? end : -1;
  }
  if (!'*~>%|'.includes(type)) return line + 2;
  let end = line + 2;
  for (let left = '%|'.includes(type) ? size * 2 : size; left > 0 && end >= 0; left--) {
    if (end >= bytes.length) return -1;
    end = endOfFrame(bytes, end);
  }
  return end;
}

/** Cuts a stream into whole frames: of commands, or of replies in RESP2 and RESP3. */
class Frames {
  /** @type {Buffer} */
  #left = Buffer.alloc(0);

  /** @param {Buffer} chunk @returns {Buffer[]} */
  push(chunk) {
    const bytes = this.#left.length > 0 ? Buffer.concat([this.#left, chunk]) : chunk;
    /** @type {Buffer[]} */
    const frames = [];
    let at = 0;
    while (at < bytes.length) {
      const end = endOfFrame(bytes, at);
      if (end < 0) break;
      frames.push(bytes.subarray(at, end));
      at = end;
    }
    this.#left = bytes.subarray(at);
    return frames;
  }

  /** What has arrived of a frame that is not whole. */
  get rest() {
    return this.#left;
  }
}

/** What the server answered with an error. */
class ReplyError extends Error {}

/**
 * @param {Buffer} frame
 * @param {number} [at]
 * @returns {{ value: any, end: number }} errors as ReplyError objects, texts as strings
 */
function decode(frame, at = 0) {
  const line = frame.indexOf(CR, at);
  const text = frame.toString('utf8', at + 1, line);
  const start = line + 2;
  const size = Number(text);
  switch (String.fromCharCode(frame[at])) {
    case '-':
      return { value: new ReplyError(text), end: start };
    case ':':
      return { value: size, end: start };
    case '$':
      if (size < 0) return { value: null, end: start };
      return { value: frame.toString('utf8', start, start + size), end: start + size + 2 };
    case '*': {
      if (size < 0) return { value: null, end: start };
      const items = [];
      let end = start;
      for (let n = 0; n < size; n++) {
        const item = decode(frame, end);
        items.push(item.value);
        end = item.end;
      }
      return { value: items, end };
    }
    default:
      return { value: text, end: start };
  }
}

/** @param {Array<string | number | Buffer>} args */
function encode(args) {
  /** @type {Buffer[]} */
  const parts = [Buffer.from(`*${args.length}\r\n`)];
  for (const arg of args) {
    const bytes = Buffer.isBuffer(arg) ? arg : Buffer.from(String(arg));
    parts.push(Buffer.from(`$${bytes.length}\r\n`), bytes, Buffer.from('\r\n'));
  }
  return Buffer.concat(parts);
}

/** The words of a command's frame. @param {Buffer} frame @returns {string[]} */
const words = (frame) => (frame[0] === 42 ? decode(frame).value.map(String) : decode(frame).value.split(' '));

/**
 * @typedef {object} Address
 * @property {number} [port] on the loopback interface
 * @property {string} [path] of a unix socket
 * @property {string | Buffer} [ca] speak TLS, and trust this authority
 * @property {string} [user]
 * @property {string} [password]
 */

/**
 * A connection. Replies come in the order of the commands.
 * @param {Address} address
 */
async function connect({ port, path, ca, user = 'default', password }) {
  const host = '127.0.0.1';
  const target = path === undefined ? { host, port: Number(port) } : { path };
  const socket = ca === undefined ? net.connect(target) : tls.connect({ host, port, ca });
  /** @type {Array<{ resolve: (value: any) => void, reject: (error: Error) => void }>} */
  const waiting = [];
  const frames = new Frames();
  socket.on('data', (chunk) => {
    for (const frame of frames.push(chunk)) {
      const { value } = decode(frame);
      const caller = waiting.shift();
      if (value instanceof ReplyError) caller?.reject(value);
      else caller?.resolve(value);
    }
  });
  /** @type {Error | undefined} */
  let broken;
  const fail = (/** @type {Error} */ error) => {
    broken ??= error;
    for (const { reject } of waiting.splice(0)) reject(broken);
  };
  socket.on('error', fail);
  socket.on('close', () => fail(new Error('the connection was closed')));
  const client = {
    /** @param {Array<string | number | Buffer>} args @returns {Promise<any>} rejects with ReplyError where the server does */
    command(...args) {
      if (broken !== undefined) return Promise.reject(broken);
      return new Promise((resolve, reject) => {
        waiting.push({ resolve, reject });
        socket.write(encode(args));
      });
    },
    close: () => void socket.destroy(),
    /** An idle connection keeps no process alive. */
    unref: () => void socket.unref(),
  };
  try {
    await new Promise((resolve, reject) => {
      socket.once(ca === undefined ? 'connect' : 'secureConnect', () => resolve(undefined));
      socket.once('error', reject);
    });
    if (password !== undefined) await client.command('AUTH', user, password);
  } catch (error) {
    client.close();
    throw error;
  }
  return client;
}

/** @typedef {Awaited<ReturnType<typeof connect>>} Client */

module.exports = { Frames, ReplyError, connect, encode, words };
