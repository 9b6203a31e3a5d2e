// The app as people write it: check, await, then act. Every step is right on its own.
'use strict';

const crypto = require('node:crypto');
const express = require('express');
const { Database } = require('./database.js');
const { signJwt, verifyJwt } = require('./jwt.js');

const SECRET = /** @type {string} */ (process.env.JWT_SECRET);
const SESSION_LIMIT = 3;
const REVOCATIONS_CACHED_FOR = 2000;
const CALLS = 20;

const db = new Database();
const app = express();
app.use(express.json());

/** @type {Map<string, { owner: string, calls: number }>} */
const keys = new Map();

// The list of revoked tokens is read at most every two seconds, to spare the database.
let revoked = new Set();
let readAt = 0;
/** @param {string} jti */
async function isRevoked(jti) {
  if (Date.now() - readAt > REVOCATIONS_CACHED_FOR) {
    readAt = Date.now();
    revoked = new Set(await db.find('revoked'));
  }
  return revoked.has(jti);
}

app.post('/login', async (req, res) => {
  const user = req.body?.user; // a real app checks the password here
  if (typeof user !== 'string' || user === '') return res.status(400).json({ error: 'invalid_request' });
  const sessions = await db.find(`sessions:${user}`);
  if (sessions.length >= SESSION_LIMIT) return res.status(403).json({ error: 'session_limit' });
  const sid = crypto.randomUUID();
  await db.insert(`sessions:${user}`, sid);
  res.status(201).json({ token: signJwt({ sub: user, sid, jti: crypto.randomUUID() }, SECRET) });
});

// The holder of a token may revoke it.
app.post('/revoke', async (req, res) => {
  const claims = verifyJwt(req.body.token, SECRET);
  if (claims) await db.insert('revoked', claims.jti);
  res.json({ revoked: claims !== undefined });
});

app.get('/odds', async (req, res) => {
  const account = keys.get(req.get('x-api-key') ?? '');
  if (!account) return res.status(401).json({ error: 'invalid_api_key' });
  if (account.calls <= 0) return res.status(429).json({ error: 'quota_exhausted' });
  const [odds = 2.5] = await db.find('odds');
  account.calls--;
  res.json({ odds });
});

app.use(async (req, res, next) => {
  const claims = verifyJwt(req.get('authorization')?.replace('Bearer ', '') ?? '', SECRET);
  if (!claims) return res.status(401).json({ error: 'invalid_token' });
  if (await isRevoked(claims.jti)) return res.status(401).json({ error: 'invalid_token' });
  const sessions = await db.find(`sessions:${claims.sub}`);
  if (!sessions.includes(claims.sid)) return res.status(401).json({ error: 'invalid_token' });
  res.locals.claims = claims;
  next();
});

app.get('/me', (_req, res) => {
  res.json({ user: res.locals.claims.sub });
});

app.post('/bets', (_req, res) => {
  res.status(201).json({ accepted: true });
});

app.post('/keys', async (_req, res) => {
  const { sub } = res.locals.claims;
  const made = await db.find(`keys:${sub}`);
  if (made.length > 0) return res.status(429).json({ error: 'quota_exhausted' });
  const key = crypto.randomUUID();
  await db.insert(`keys:${sub}`, key);
  keys.set(key, { owner: sub, calls: CALLS });
  res.status(201).json({ key });
});

app.post('/register', async (_req, res) => {
  const { sub } = res.locals.claims;
  const players = await db.find('registered');
  if (players.includes(sub)) return res.status(409).json({ error: 'already_registered' });
  await db.insert('registered', sub);
  res.status(201).json({ registered: true });
});

app.post('/logout', async (_req, res) => {
  const { sub, sid } = res.locals.claims;
  await db.remove(`sessions:${sub}`, (row) => row === sid);
  res.status(204).end();
});

module.exports = app;
