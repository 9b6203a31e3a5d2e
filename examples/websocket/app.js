// WebSockets: who connects is judged once, by the handshake; what a message changes is judged with that message; and who is
// revoked is disconnected.
'use strict';

const http = require('node:http');
const express = require('express');
const { createAuth } = require('latchgate');
const { WebSocketServer } = require('ws');

const REVOKED = 4401;
const POLICY_VIOLATION = 1008;
const FAULT = { status: 500, code: 'internal', headers: {} };
const FORBIDDEN = { status: 403, code: 'forbidden', headers: {} };
const TOO_MANY = { status: 429, code: 'too_many_sockets', headers: {} };

/** The pages that may connect, such as https://app.example. Programs send no Origin. */
const ORIGINS = new Set((process.env.ORIGINS ?? '').split(',').filter(Boolean));
/** What a message does. A client names it, and never says what it is worth. */
const DELTAS = new Map([
  ['cheer', 1],
  ['take back', -1],
]);
const SOCKETS_PER_USER = 5;

const auth = createAuth({
  jwt: { secret: process.env.JWT_SECRET },
  sessions: { limit: 2, admission: 'first-use' },
});

const app = express();
app.post('/logout-everywhere', auth.middleware(), async (req, res) => {
  res.json(await auth.tokens.revokeUser(req.auth.userId));
});
// Tells the client the status alone. Express itself answers with the stack where NODE_ENV is not 'production'.
app.use((error, _req, res, next) => {
  if (res.headersSent) return next(error);
  const { status = 500 } = error;
  if (status >= 500) console.error(error.stack);
  res.sendStatus(status);
});

const handleProtocols = (named) => named.has('bearer') && 'bearer';
const sockets = new WebSocketServer({ noServer: true, maxPayload: 1024, handleProtocols });
/** How many sockets a user has in this process. */
const open = new Map();
const server = http.createServer(app);

server.on('upgrade', async (req, socket, head) => {
  socket.on('error', () => {});
  const { origin } = req.headers;
  if (origin !== undefined && !ORIGINS.has(origin)) return refuse(socket, FORBIDDEN);
  const verdict = await auth.authenticate({ token: tokenOf(req), context: req }).catch(() => FAULT);
  if (!verdict.ok) return refuse(socket, verdict);
  if (open.get(verdict.auth.userId) >= SOCKETS_PER_USER) return refuse(socket, TOO_MANY);
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
  // A client that never closes its side would keep the socket for ever.
  socket.once('finish', () => socket.destroy());
  socket.end(`HTTP/1.1 ${status} ${http.STATUS_CODES[status]}\r\n${lines.join('')}\r\n${body}`);
}

function welcome(ws, who) {
  const end = who.claims.exp * 1000;
  // At the end of a token the signal may abort before the timer fires.
  const leave = (why) => ws.close(REVOKED, Date.now() < end ? why : 'expired');
  who.signal.addEventListener('abort', () => leave('revoked'), { once: true });
  const expiry = setTimeout(leave, end - Date.now(), 'expired');
  count(who.userId, 1);
  ws.on('error', () => {});
  ws.on('close', () => {
    clearTimeout(expiry);
    count(who.userId, -1);
    who.done(); // nothing is to be watched any more
  });
  let isBusy = false;
  ws.on('message', async (data) => {
    if (ws.readyState !== ws.OPEN) return;
    // The messages of a client that does not wait for answers would queue in this process.
    if (isBusy) return ws.close(POLICY_VIOLATION, 'one message at a time');
    isBusy = true;
    try {
      ws.send(JSON.stringify(await act(who, String(data))));
    } catch (error) {
      if (error.code === 'ERR_LATCHGATE_REVOKED') leave('revoked');
      else {
        console.error(error.stack);
        ws.send(JSON.stringify({ error: 'internal' }));
      }
    }
    isBusy = false;
  });
  ws.send(JSON.stringify({ hello: who.userId }));
}

function count(userId, delta) {
  const sum = (open.get(userId) ?? 0) + delta;
  if (sum > 0) open.set(userId, sum);
  else open.delete(userId);
}

/** Cheers, from 0 to 10, and only while the credential of the handshake still stands: one step, whatever comes in parallel. */
async function act(who, name) {
  const delta = DELTAS.get(name);
  if (delta === undefined) return { error: 'unknown_message' };
  const change = { name: 'cheers', delta, min: 0, max: 10 };
  const { applied, values } = await auth.counters.apply(who.userId, [change], { auth: who });
  return { applied, cheers: values.cheers };
}

server.listen(process.env.PORT ?? 3000, () => console.log(`listening on ${server.address().port}`));
