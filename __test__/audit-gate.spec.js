// A burst of latchgate audit: the server has every request, except its last byte, before any request is complete.
// The test server counts bytes, and reads and answers on command.
'use strict';

const assert = require('node:assert/strict');
const { once } = require('node:events');
const fs = require('node:fs');
const net = require('node:net');
const tls = require('node:tls');
const { after, before, describe, it } = require('node:test');
const { burst } = require('../src/cli/audit/gate.js');
const { makeCertificates } = require('./support/certificates.js');
const { ownDirectory, pause, until } = require('./support/started.js');

/** More bytes than the socket buffers of both sides hold while the server does not read. */
const LARGE = 'x'.repeat(48 * 1024 * 1024);
const PATIENCE = 60_000;

/** A connection, and the request that it carries. */
class Arrival {
  #head = '';
  bytes = 0;
  /** Length of the latest chunk in bytes. */
  latest = 0;
  closed = false;

  /** @param {net.Socket} socket */
  constructor(socket) {
    this.socket = socket;
    socket.on('error', () => {});
    socket.on('close', () => {
      this.closed = true;
    });
    socket.on('data', (piece) => {
      this.bytes += piece.length;
      this.latest = piece.length;
      if (!this.#head.includes('\r\n\r\n')) this.#head += piece.toString('latin1');
    });
  }

  get path() {
    return /^\w+ (\S+) /.exec(this.#head)?.[1];
  }

  /** Number of bytes that are still missing from the request. */
  get missing() {
    const end = this.#head.indexOf('\r\n\r\n');
    if (end < 0) return this.#head.endsWith('\r\n\r') ? 1 : Number.POSITIVE_INFINITY;
    return end + 4 + Number(/content-length: (\d+)/i.exec(this.#head)?.[1] ?? 0) - this.bytes;
  }

  /** @param {string} text */
  answer(text) {
    this.socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${text.length}\r\n\r\n${text}`);
  }
}

/**
 * @param {import('node:test').TestContext} t
 * @param {{ key: Buffer, cert: Buffer } | undefined} secure
 * @param {(arrival: Arrival) => void} [onPiece]
 */
async function startServer(t, secure, onPiece = () => {}) {
  /** @type {Arrival[]} */
  const arrivals = [];
  const take = (/** @type {net.Socket} */ socket) => {
    const arrival = new Arrival(socket);
    arrivals.push(arrival);
    socket.on('data', () => onPiece(arrival));
  };
  const server = secure ? tls.createServer(secure, take) : net.createServer(take);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    for (const { socket } of arrivals) socket.destroy();
    server.close();
  });
  const { port } = /** @type {net.AddressInfo} */ (server.address());
  return { server, arrivals, base: new URL(`${secure ? 'https' : 'http'}://127.0.0.1:${port}`) };
}

/** @param {string} path @param {string} [body] */
const call = (path, body = '') => ({ method: body === '' ? 'GET' : 'POST', path, headers: {}, body });

const SMALL = [call('/a'), call('/b', '{"b":1}'), call('/c'), call('/d', 'ü'), call('/e'), call('/f', 'x')];

for (const scheme of ['http', 'https']) {
  describe(`a burst over ${scheme}`, () => {
    /** @type {{ key: Buffer, cert: Buffer } | undefined} */
    let secure;
    const trusting = process.env.NODE_TLS_REJECT_UNAUTHORIZED;
    before(() => {
      if (scheme === 'http') return;
      const { key, cert } = makeCertificates(ownDirectory({ after }, 'gate'));
      secure = { key: fs.readFileSync(key), cert: fs.readFileSync(cert) };
      // audit-input.spec.js tests which certificates the command trusts.
      process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';
    });
    after(() => {
      if (trusting === undefined) delete process.env.NODE_TLS_REJECT_UNAUTHORIZED;
      else process.env.NODE_TLS_REJECT_UNAUTHORIZED = trusting;
    });

    it('holds back the last byte of each request until the server has all the other bytes', async (t) => {
      let reads = false;
      const { arrivals, base } = await startServer(t, secure, ({ path, socket }) => {
        if (path === '/large' && !reads) socket.pause();
      });
      const answers = burst(base, [call('/large', LARGE), ...SMALL], { patience: PATIENCE });
      const small = () => arrivals.filter(({ path }) => path !== undefined && path !== '/large');
      await until(
        'all bytes except the last',
        () => small().filter(({ missing }) => missing === 1).length === 6,
      );
      const large = /** @type {Arrival} */ (arrivals.find(({ path }) => path === '/large'));
      // If the client did not hold back the byte, it would have arrived by then.
      await pause(200);
      assert.deepEqual(
        small().map(({ missing }) => missing),
        SMALL.map(() => 1),
      );
      assert.ok(large.missing > 1);
      reads = true;
      large.socket.resume();
      await until('all bytes', () => arrivals.every(({ missing }) => missing === 0));
      assert.deepEqual(
        small().map(({ latest }) => latest),
        SMALL.map(() => 1),
      );
      for (const arrival of arrivals.toReversed()) arrival.answer(String(arrival.path));
      const told = await answers;
      assert.deepEqual(
        told.map(({ status, text }) => [status, text]),
        ['/large', '/a', '/b', '/c', '/d', '/e', '/f'].map((path) => [200, path]),
      );
      for (const { sent, done } of told) assert.ok(sent > 0 && sent <= done);
      // No request was answered before the last request was sent.
      assert.ok(Math.max(...told.map(({ sent }) => sent)) <= Math.min(...told.map(({ done }) => done)));
    });

    it('reports status 0 for a connection that the server cut, and the real status for each other request', async (t) => {
      const { base } = await startServer(t, secure, (arrival) => {
        if (arrival.missing > 0) return;
        if (arrival.path === '/b') arrival.socket.destroy();
        else arrival.answer('ok');
      });
      const told = await burst(base, SMALL, { patience: PATIENCE });
      assert.deepEqual(
        told.map(({ status }) => status),
        [200, 0, 200, 200, 200, 200],
      );
    });

    it('stops waiting for a missing response at the deadline, and leaves no connection open', async (t) => {
      const { arrivals, base } = await startServer(t, secure, (arrival) => {
        if (arrival.missing === 0 && arrival.path !== '/c') arrival.answer('ok');
      });
      const told = await burst(base, SMALL, { patience: 3000 });
      assert.deepEqual(
        told.map(({ status }) => status),
        [200, 200, 0, 200, 200, 200],
      );
      await until('their end', () => arrivals.every(({ closed }) => closed));
    });
  });
}

describe('a burst with a request that cannot be prepared', () => {
  it('sends no last byte, and leaves no connection open', async (t) => {
    const { arrivals, base } = await startServer(t, undefined);
    const amiss = { ...call('/g'), headers: { 'x-key': 'a\nb' } };
    await assert.rejects(burst(base, [...SMALL, amiss], { patience: PATIENCE }), {
      code: 'ERR_INVALID_CHAR',
    });
    await until('their end', () => arrivals.length === 7 && arrivals.every(({ closed }) => closed));
    for (const { missing } of arrivals) assert.ok(missing > 0);
  });

  it('reports that no server listens', async (t) => {
    const { server, base } = await startServer(t, undefined);
    server.close();
    await assert.rejects(burst(base, SMALL, { patience: PATIENCE }), { code: 'ECONNREFUSED' });
  });
});
