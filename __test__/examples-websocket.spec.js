// The program examples/websocket, tested with browsers, programs and malicious clients.
'use strict';

const assert = require('node:assert/strict');
const { once } = require('node:events');
const net = require('node:net');
const { describe, it } = require('node:test');
const { WebSocket } = require('ws');
const { SECRET, call, startExample } = require('./support/examples.js');
const { fresh, sign, token } = require('./support/jwt.js');
const { until } = require('./support/started.js');

const own = (/** @type {object} */ claims) => token(claims, { key: SECRET });
const post = { method: 'POST' };
const ORIGIN = 'https://app.example';

/**
 * The response to a refused handshake.
 * @param {string} url
 * @param {string[]} [protocols]
 * @param {import('ws').ClientOptions} [options]
 * @returns {Promise<import('node:http').IncomingMessage>}
 */
async function refused(url, protocols = [], options = {}) {
  const ws = new WebSocket(url.replace('http', 'ws'), protocols, options).on('error', () => {});
  const [, answer] = await Promise.race([
    once(ws, 'unexpected-response'),
    once(ws, 'open').then(() => assert.fail('the server accepted the handshake')),
  ]);
  ws.terminate();
  return answer;
}

describe('examples/websocket', () => {
  /** @param {string} url @param {string} token @param {boolean} [asBrowser] */
  async function connect(url, token, asBrowser = false) {
    const at = url.replace('http', 'ws');
    const ws = asBrowser
      ? new WebSocket(at, ['bearer', token], { origin: ORIGIN })
      : new WebSocket(at, { headers: { authorization: `Bearer ${token}` } });
    const next = async () => JSON.parse(String((await once(ws, 'message'))[0]));
    const closed = once(ws, 'close').then(([code, why]) => [code, String(why)]);
    return { ws, closed, next, hello: await next() };
  }

  it('greets permitted clients, and answers other clients as the middleware does', async (t) => {
    const { url } = await startExample(t, 'websocket/app.js', { ORIGINS: `https://a.example,${ORIGIN}` });
    const one = await connect(url, own({ sub: 'ada', sid: '1' }));
    const two = await connect(url, own({ sub: 'ada', sid: '2' }), true);
    assert.deepEqual([one.hello, two.hello], [{ hello: 'ada' }, { hello: 'ada' }]);
    assert.equal(two.ws.protocol, 'bearer');
    const third = await refused(url, ['bearer', own({ sub: 'ada', sid: '3' })]);
    assert.equal(third.statusCode, 403);
    const anonymous = await refused(url);
    assert.deepEqual(
      [anonymous.statusCode, anonymous.headers['www-authenticate']],
      [401, 'Bearer realm="api"'],
    );
    for (const { ws, closed } of [one, two]) {
      ws.close();
      await closed;
    }
  });

  it('applies messages within their bounds, and closes the sockets of a revoked user', async (t) => {
    const { url } = await startExample(t, 'websocket/app.js');
    const text = own({ sub: 'ada', sid: '1' });
    const { ws, closed, next } = await connect(url, text);
    /** @param {string} message */
    const say = (message) => {
      const answer = next();
      ws.send(message);
      return answer;
    };
    assert.deepEqual(await say('take back'), { applied: false, cheers: 0 });
    for (let n = 1; n <= 10; n++) assert.deepEqual(await say('cheer'), { applied: true, cheers: n });
    assert.deepEqual(await say('cheer'), { applied: false, cheers: 10 });
    // The client cannot choose the amount.
    for (const other of ['5', '1e3', '0x10', '', 'constructor', '{"delta":5}'])
      assert.deepEqual(await say(other), { error: 'unknown_message' });
    const gone = await call(`${url}/logout-everywhere`, { ...post, token: text });
    assert.deepEqual(gone.body, { sessionsEnded: 1 });
    assert.deepEqual(await closed, [4401, 'revoked']);
  });

  it('closes a socket when its token expires', async (t) => {
    const { url } = await startExample(t, 'websocket/app.js');
    const { iat } = fresh();
    const short = sign({ sub: 'ada', sid: '1', iat, exp: iat + 3 }, { key: SECRET });
    assert.deepEqual(await (await connect(url, short)).closed, [4401, 'expired']);
  });

  it('accepts only pages of listed origins, and no page if no origin is listed', async (t) => {
    const { url: listed } = await startExample(t, 'websocket/app.js', { ORIGINS: ORIGIN });
    const { url: none } = await startExample(t, 'websocket/app.js');
    const named = ['bearer', own({ sub: 'ada', sid: '1' })];
    for (const origin of ['https://evil.example', `${ORIGIN}.evil.example`, 'null', 'http://app.example'])
      assert.equal((await refused(listed, named, { origin })).statusCode, 403, origin);
    assert.equal((await refused(none, named, { origin: ORIGIN })).statusCode, 403);
    assert.equal((await refused(none, named, { headers: { origin: '' } })).statusCode, 403);
  });

  it('disconnects a client that does not wait for its responses', async (t) => {
    const { url } = await startExample(t, 'websocket/app.js');
    const { ws, closed } = await connect(url, own({ sub: 'ada', sid: '1' }));
    for (let n = 0; n < 1000; n++) ws.send('cheer');
    assert.deepEqual(await closed, [1008, 'one message at a time']);
  });

  it('allows a user five concurrent sockets, and another socket after one of them closes', async (t) => {
    const { url } = await startExample(t, 'websocket/app.js');
    const text = own({ sub: 'ada', sid: '1' });
    const headers = { authorization: `Bearer ${text}` };
    const all = Array.from({ length: 9 }, () => new WebSocket(url.replace('http', 'ws'), { headers }));
    const told = await Promise.all(
      all.map(async (ws) => {
        ws.on('error', () => {});
        const seen = await Promise.race([
          once(ws, 'open').then(() => 101),
          once(ws, 'unexpected-response').then(([, { statusCode }]) => statusCode),
        ]);
        return { ws, seen };
      }),
    );
    const inside = told.filter(({ seen }) => seen === 101);
    assert.equal(inside.length, 5);
    assert.equal(told.filter(({ seen }) => seen === 429).length, 4);
    inside[0].ws.close();
    // The server decrements its count when it sees the socket close.
    await until('a slot is free again', async () => {
      const ws = new WebSocket(url.replace('http', 'ws'), { headers }).on('error', () => {});
      const opened = once(ws, 'open').then(() => true);
      const turned = once(ws, 'unexpected-response').then(() => false);
      return Promise.race([opened, turned]);
    });
  });

  it('closes the connection of a refused client, even if the client keeps its side open', {
    timeout: 20_000,
  }, async (t) => {
    const { port } = await startExample(t, 'websocket/app.js');
    const socket = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    socket.write('GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
    socket.resume();
    await once(socket, 'end');
    // A server that has closed the connection answers further data with a reset. Otherwise it accepts data without
    // end.
    socket.on('error', () => {});
    const closed = new Promise((resolve) => socket.on('close', resolve));
    const writing = setInterval(() => socket.write('x'), 10);
    t.after(() => clearInterval(writing));
    await closed;
  });
});
