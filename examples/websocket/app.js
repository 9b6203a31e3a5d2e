// WebSockets: who connects is judged once, by the handshake; what a message changes is judged with that message; and who is
// revoked is disconnected.
'use strict';

const http = require('node:http');
const express = require('express');
const { createAuth } = require('latchgate');
const { WebSocketServer } = require('ws');

const REVOKED = 4401;
const FAULT = { status: 500, code: 'internal', headers: {} };

const auth = createAuth({
  jwt: { secret: process.env.JWT_SECRET },
  sessions: { limit: 2, admission: 'first-use' },
});

const app = express();
app.post('/logout-everywhere', auth.middleware(), async (req, res) => {
  res.json(await auth.tokens.revokeUser(req.auth.userId));
});

const sockets = new WebSocketServer({ noServer: true, maxPayload: 1024, handleProtocols: () => 'bearer' });
const server = http.createServer(app);

server.on('upgrade', async (req, socket, head) => {
  socket.on('error', () => {});
  const verdict = await auth.authenticate({ token: tokenOf(req), context: req }).catch(() => FAULT);
  if (!verdict.ok) return refuse(socket, verdict);
  sockets.handleUpgrade(req, socket, head, (ws) => welcome(ws, verdict.auth));
});

/** A browser cannot set headers here, but it can name protocols: new WebSocket(url, ['bearer', token]). */
function tokenOf(req) {
  const [, header] = /^Bearer (.+)$/i.exec(req.headers.authorization ?? '') ?? [];
  const [, protocol] = /^bearer, *([^,]+)$/.exec(req.headers['sec-websocket-protocol'] ?? '') ?? [];
  return header ?? protocol;
}

function refuse(socket, { status, code, headers }) {
  const body = JSON.stringify({ error: code });
  const all = {
    ...headers,
    'Content-Type': 'application/json',
    'Content-Length': body.length,
    Connection: 'close',
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(`HTTP/1.1 ${status} ${http.STATUS_CODES[status]}\r\n${lines.join('')}\r\n${body}`);
}

function welcome(ws, who) {
  const leave = (why) => ws.close(REVOKED, why);
  who.signal.addEventListener('abort', () => leave('revoked'), { once: true });
  const expiry = setTimeout(leave, who.claims.exp * 1000 - Date.now(), 'expired');
  ws.on('error', () => {});
  ws.on('close', () => {
    clearTimeout(expiry);
    who.done(); // nothing is to be watched any more
  });
  ws.on('message', async (data) => {
    try {
      ws.send(JSON.stringify(await add(who, Number(data))));
    } catch (error) {
      if (error.code === 'ERR_LATCHGATE_REVOKED') leave('revoked');
      else ws.send(JSON.stringify({ error: error.code ?? 'internal' }));
    }
  });
  ws.send(JSON.stringify({ hello: who.userId }));
}

/** Points, never below 0, and only while the credential of the handshake still stands: one step, whatever comes in parallel. */
async function add(who, delta) {
  const { applied, values } = await auth.counters.apply(who.userId, [{ name: 'points', delta, min: 0 }], {
    auth: who,
  });
  return { applied, points: values.points };
}

server.listen(process.env.PORT ?? 3000, () => console.log(`listening on ${server.address().port}`));
