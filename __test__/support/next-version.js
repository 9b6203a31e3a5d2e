// Makes another version of the scripts out of those of this addon: between a client and a server, each text gets one line more,
// and is called by the SHA-1 of that. What the client knows of its scripts stays as it was.
'use strict';

const crypto = require('node:crypto');
const { once } = require('node:events');
const net = require('node:net');
const { Frames, encode } = require('./resp.js');

const LINE = '\n-- the next version\n';
/** By which no script is known: the server answers NOSCRIPT, and the text is sent. */
const UNKNOWN = 'f'.repeat(40);

const sha = (/** @type {string | Buffer} */ text) => crypto.createHash('sha1').update(text).digest('hex');

/** The arguments of a command, byte for byte. @param {Buffer} frame */
function argumentsOf(frame) {
  const args = [];
  for (let at = frame.indexOf('\r\n') + 2; at < frame.length; ) {
    const line = frame.indexOf('\r\n', at);
    const size = Number(frame.toString('latin1', at + 1, line));
    args.push(frame.subarray(line + 2, line + 2 + size));
    at = line + 2 + size + 2;
  }
  return args;
}

/**
 * @param {import('./started.js').Test} t
 * @param {{ port: number }} target
 */
async function startNextVersion(t, { port }) {
  /** The hash of each text as the client knows it, and as it is now. @type {Map<string, string>} */
  const hashes = new Map();
  /** @type {Set<net.Socket>} */
  const sockets = new Set();
  const relay = { hashes, calls: 0, url: '' };

  /** @param {Buffer} frame */
  const rewritten = (frame) => {
    const [name, script, ...rest] = argumentsOf(frame);
    if (/^evalsha$/i.test(String(name))) {
      relay.calls++;
      return encode([name, hashes.get(String(script)) ?? UNKNOWN, ...rest]);
    }
    if (!/^eval$/i.test(String(name))) return frame;
    const text = Buffer.concat([script, Buffer.from(LINE)]);
    hashes.set(sha(script), sha(text));
    return encode([name, text, ...rest]);
  };

  const server = net.createServer((client) => {
    const upstream = net.connect(port, '127.0.0.1');
    const frames = new Frames();
    client.on('data', (chunk) => {
      for (const frame of frames.push(chunk)) upstream.write(rewritten(frame));
    });
    upstream.on('data', (chunk) => client.write(chunk));
    for (const [one, other] of [
      [client, upstream],
      [upstream, client],
    ]) {
      sockets.add(one);
      one.setNoDelay(true);
      one.on('error', () => {});
      one.on('close', () => other.destroy());
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  relay.url = `redis://127.0.0.1:${/** @type {net.AddressInfo} */ (server.address()).port}`;
  return relay;
}

module.exports = { startNextVersion };
