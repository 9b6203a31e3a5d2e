// The twin of gate.js without latchgate, as such apps are written: read, decide, write, each instance by its own clock. The
// races must be lost here, or they prove nothing.
'use strict';

const crypto = require('node:crypto');
const express = require('express');
const { connect } = require('../resp.js');
const { listen } = require('./listen.js');

const LIMIT = 3;
const QUOTA = 100;
const MOST = 20;
/** How long an instance trusts what it has read about a revocation. */
const CACHED = 2000;

/** @param {import('express').Request} req */
const bearer = (req) => String(req.headers.authorization).replace('Bearer ', '');
/** @param {string} token @returns {{ sub: string, sid: string, jti: string }} */
const claimsOf = (token) => JSON.parse(Buffer.from(token.split('.')[1], 'base64url').toString());

async function main() {
  const redis = await connect({ port: Number(new URL(String(process.env.STORE)).port) });
  const app = express();
  /** @type {Map<string, { until: number, revoked: boolean }>} */
  const cache = new Map();

  app.get('/now', (_req, res) => void res.json({ now: Date.now(), pid: process.pid }));

  app.post('/login/:user', async (req, res) => {
    const key = `sessions:${req.params.user}`;
    const live = JSON.parse((await redis.command('GET', key)) ?? '[]');
    if (live.length >= LIMIT) return void res.status(403).json({ error: 'session_limit' });
    const sessionId = crypto.randomUUID();
    await redis.command('RPUSH', `list:${key}`, sessionId);
    await redis.command('SET', key, JSON.stringify([...live, sessionId]));
    return void res.status(201).json({ sessionId });
  });

  app.get('/sessions/:user', async (req, res) => {
    res.json(await redis.command('LRANGE', `list:sessions:${req.params.user}`, 0, -1));
  });

  app.post('/spend/:key', async (req, res) => {
    const left = Number((await redis.command('GET', `quota:${req.params.key}`)) ?? QUOTA);
    if (left <= 0) return void res.status(429).json({ remaining: 0 });
    await redis.command('SET', `quota:${req.params.key}`, left - 1);
    return void res.json({ remaining: left - 1 });
  });

  app.get('/left/:key', async (req, res) => {
    res.json({ remaining: Number((await redis.command('GET', `quota:${req.params.key}`)) ?? QUOTA) });
  });

  app.post('/add/:user/:delta', async (req, res) => {
    const key = `counter:${req.params.user}`;
    const value = Number((await redis.command('GET', key)) ?? 0) + Number(req.params.delta);
    if (value < 0 || value > MOST) return void res.status(409).json({});
    await redis.command('SET', key, value);
    return void res.json({ value });
  });

  app.get('/value/:user', async (req, res) => {
    res.json({ value: Number((await redis.command('GET', `counter:${req.params.user}`)) ?? 0) });
  });

  app.post('/once/:key', async (req, res) => {
    const key = `registered:${req.params.key}`;
    if ((await redis.command('GET', key)) !== null) return void res.sendStatus(409);
    await redis.command('SET', key, 1);
    return void res.sendStatus(201);
  });

  app.post('/revoke', async (req, res) => {
    await redis.command('SET', `revoked:${claimsOf(bearer(req)).jti}`, 1);
    res.json({ revoked: true });
  });

  app.post('/revoke-user/:user', (_req, res) => void res.json({}));

  const me = async (
    /** @type {import('express').Request} */ req,
    /** @type {import('express').Response} */ res,
  ) => {
    const { sub, sid, jti } = claimsOf(bearer(req));
    let known = cache.get(jti);
    if (known === undefined || known.until < Date.now()) {
      known = {
        until: Date.now() + CACHED,
        revoked: (await redis.command('GET', `revoked:${jti}`)) !== null,
      };
      cache.set(jti, known);
    }
    if (known.revoked) return void res.status(401).json({ error: 'invalid_token' });
    const key = `active:${sub}:${sid}`;
    const previousActiveAt = Number((await redis.command('GET', key)) ?? 0);
    const lastActiveAt = Date.now();
    await redis.command('SET', key, lastActiveAt);
    return void res.json({ pid: process.pid, session: { lastActiveAt, previousActiveAt } });
  };
  app.get('/me', me);
  app.get('/first', me);

  listen(app);
}

main();
