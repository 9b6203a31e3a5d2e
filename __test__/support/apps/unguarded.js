// The twin of gate.js without latchgate, as such apps are written: read, decide, write, each instance by its own clock. The
// races must be lost here, or they prove nothing: so the first two that read a key have both read before either goes on.
'use strict';

const crypto = require('node:crypto');
const express = require('express');
const { connect } = require('../resp.js');
const { listen } = require('./listen.js');

const LIMIT = 3;
const QUOTA = 100;
const ONCE = 1200;
const MOST = 20;
const TICK = 20;
const MOVES = 500;
/** How long the first reader of a key waits for the second, which may never come, in milliseconds. */
const GATE = 300;
/** How long an instance trusts what it has read about a revocation. */
const CACHED = 2000;

/** @param {import('express').Request} req */
const bearer = (req) => String(req.headers.authorization).replace('Bearer ', '');
/** @param {string} token @returns {{ sub: string, sid: string, jti: string }} */
const claimsOf = (token) => JSON.parse(Buffer.from(token.split('.')[1], 'base64url').toString());

async function main() {
  const redis = await connect({ port: Number(new URL(String(process.env.STORE)).port) });
  const app = express();
  /** Returns once a second reader has come, in whichever instance. @param {string} key */
  const arrived = async (key) => {
    if ((await redis.command('INCR', `gate:${key}`)) > 1) return;
    const latest = performance.now() + GATE;
    while (performance.now() < latest && Number(await redis.command('GET', `gate:${key}`)) < 2)
      await new Promise((resolve) => void setTimeout(resolve, 1));
  };
  const read = async (/** @type {string} */ key, /** @type {any} */ otherwise) => {
    const value = await redis.command('GET', key);
    await arrived(key);
    return JSON.parse(value ?? JSON.stringify(otherwise));
  };
  const write = (/** @type {string} */ key, /** @type {any} */ value) =>
    redis.command('SET', key, JSON.stringify(value));
  /** Whether there was one left. @param {string} key @param {number} limit */
  const take = async (key, limit) => {
    const left = await read(key, limit);
    if (left <= 0) return false;
    await write(key, left - 1);
    return true;
  };
  /** @type {Map<string, { until: number, revoked: boolean }>} */
  const cache = new Map();

  app.get('/now', (_req, res) => void res.json({ now: Date.now(), pid: process.pid }));

  app.post('/login/:user', async (req, res) => {
    const key = `sessions:${req.params.user}`;
    const live = await read(key, []);
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
    const left = await read(`quota:${req.params.key}`, QUOTA);
    if (left <= 0) return void res.status(429).json({ remaining: 0 });
    await write(`quota:${req.params.key}`, left - 1);
    return void res.json({ remaining: left - 1 });
  });

  app.post('/once/:key/:once', async (req, res) => {
    const { key, once } = req.params;
    const told = await read(`told:${key}:${once}`, null);
    if (told !== null) return void res.json({ ...told, replayed: true });
    if (!(await take(`quota:${key}`, ONCE))) return void res.sendStatus(429);
    const answer = { remaining: await read(`quota:${key}`, 0) };
    await write(`told:${key}:${once}`, answer);
    return void res.json(answer);
  });

  app.post('/burst/:key', async (req, res) => {
    res.sendStatus((await take(`bucket:${req.params.key}`, QUOTA)) ? 200 : 429);
  });

  app.post('/tick/:key', async (req, res) => {
    const key = `window:${req.params.key}`;
    let { used, resetAt } = await read(key, { used: 0, resetAt: 0 });
    if (resetAt <= Date.now()) [used, resetAt] = [0, Date.now() + 1000];
    if (used >= TICK) return void res.sendStatus(429);
    await write(key, { used: used + 1, resetAt });
    return void res.json({ resetAt });
  });

  app.post('/top-up/:key/:units', async (req, res) => {
    const key = `balance:${req.params.key}`;
    await write(key, (await read(key, 1)) + Number(req.params.units));
    res.json({});
  });

  app.get('/top-up/:key', async (req, res) => {
    res.json({ limit: await read(`balance:${req.params.key}`, 1) });
  });

  app.post('/charge/:key/:cost', async (req, res) => {
    const { key, cost } = req.params;
    const receipt = crypto.randomUUID();
    await write(`quota:${key}`, (await read(`quota:${key}`, QUOTA)) - Number(cost));
    await write(`receipt:${receipt}`, { key, cost: Number(cost) });
    res.json({ receipt });
  });

  app.post('/refund/:receipt', async (req, res) => {
    const receipt = `receipt:${req.params.receipt}`;
    const charge = await read(receipt, null);
    if (charge === null) return void res.sendStatus(409);
    const key = `quota:${charge.key}`;
    await write(key, (await read(key, QUOTA)) + charge.cost);
    await redis.command('DEL', receipt);
    return void res.sendStatus(200);
  });

  app.post('/move/:user', async (req, res) => {
    const [from, to] = [`from:${req.params.user}`, `to:${req.params.user}`];
    const moved = await read(to, 0);
    if (moved >= MOVES) return void res.sendStatus(409);
    await write(from, (await read(from, 0)) - 1);
    await write(to, moved + 1);
    return void res.sendStatus(200);
  });

  app.get('/moved/:user', async (req, res) => {
    const { user } = req.params;
    res.json({ from: await read(`from:${user}`, 0), to: await read(`to:${user}`, 0) });
  });

  app.get('/left/:key', async (req, res) => {
    res.json({ remaining: Number((await redis.command('GET', `quota:${req.params.key}`)) ?? QUOTA) });
  });

  app.post('/add/:user/:delta', async (req, res) => {
    const key = `counter:${req.params.user}`;
    const value = (await read(key, 0)) + Number(req.params.delta);
    if (value < 0 || value > MOST) return void res.status(409).json({});
    await write(key, value);
    return void res.json({ value });
  });

  app.get('/value/:user', async (req, res) => {
    res.json({ value: Number((await redis.command('GET', `counter:${req.params.user}`)) ?? 0) });
  });

  app.post('/once/:key', async (req, res) => {
    const key = `registered:${req.params.key}`;
    if ((await read(key, null)) !== null) return void res.sendStatus(409);
    await write(key, 1);
    return void res.sendStatus(201);
  });

  app.post('/revoke', async (req, res) => {
    await redis.command('SET', `revoked:${claimsOf(bearer(req)).jti}`, 1);
    res.json({ revoked: true });
  });

  app.post('/revoke-user/:user', (_req, res) => void res.json({}));

  /** As it was read, perhaps a while ago. @param {string} what */
  const revoked = async (what) => {
    let known = cache.get(what);
    if (known === undefined || known.until < Date.now()) {
      const mark = await redis.command('GET', `revoked:${what}`);
      known = { until: Date.now() + CACHED, revoked: mark !== null };
      cache.set(what, known);
    }
    return known.revoked;
  };

  app.get('/me', async (req, res) => {
    const { sub, sid, jti } = claimsOf(bearer(req));
    if (await revoked(jti)) return void res.status(401).json({ error: 'invalid_token' });
    const key = `active:${sub}:${sid}`;
    const previousActiveAt = Number((await redis.command('GET', key)) ?? 0);
    const lastActiveAt = Date.now();
    await redis.command('SET', key, lastActiveAt);
    return void res.json({ pid: process.pid, session: { lastActiveAt, previousActiveAt } });
  });

  app.get('/first', async (req, res) => {
    const { sub, sid } = claimsOf(bearer(req));
    const live = await read(`sessions:${sub}`, []);
    if (!live.includes(sid)) {
      if (live.length >= LIMIT) return void res.status(403).json({ error: 'session_limit' });
      await write(`sessions:${sub}`, [...live, sid]);
    }
    return void res.json({});
  });

  app.get('/bounded', async (req, res) => {
    res.sendStatus((await take(`bounded:${claimsOf(bearer(req)).sub}`, QUOTA)) ? 200 : 429);
  });

  app.post('/enter/:user', async (req, res) => {
    const { user } = req.params;
    const known = await read(`entered:${user}`, null);
    const sessionId = known ?? crypto.randomUUID();
    if (known === null) {
      await write(`entered:${user}`, sessionId);
      await redis.command('RPUSH', `list:sessions:${user}`, sessionId);
    }
    res.json({ admission: { existing: known !== null }, refreshToken: crypto.randomUUID() });
  });

  app.post('/refresh/:token', async (req, res) => {
    const key = `successor:${req.params.token}`;
    const refreshToken = await read(key, crypto.randomUUID());
    await write(key, refreshToken);
    res.json({ refreshToken });
  });

  app.post('/key/:owner/:limit', async (req, res) => {
    const keyId = crypto.randomUUID();
    await write(`left:${keyId}`, Number(req.params.limit));
    res.json({ keyId, key: `${keyId}.${crypto.randomUUID()}` });
  });

  app.get('/key/:id', async (req, res) => {
    res.json({ remaining: await read(`left:${req.params.id}`, 0) });
  });

  app.get('/use', async (req, res) => {
    const [keyId] = String(req.headers['x-api-key']).split('.');
    if (await revoked(keyId)) return void res.sendStatus(401);
    return void res.sendStatus((await take(`left:${keyId}`, 0)) ? 200 : 429);
  });

  app.post('/rotate/:id', (req, res) => {
    res.json({ keyId: req.params.id, key: `${req.params.id}.${crypto.randomUUID()}` });
  });

  app.post('/revoke-key/:id', async (req, res) => {
    await redis.command('SET', `revoked:${req.params.id}`, 1);
    res.json({ revoked: true });
  });

  app.post('/add-quota/:id/:units', async (req, res) => {
    const key = `left:${req.params.id}`;
    await write(key, (await read(key, 0)) + Number(req.params.units));
    res.json({});
  });

  app.post('/check/:once', async (req, res) => {
    const [keyId] = String(req.headers['x-api-key']).split('.');
    const told = `told:${keyId}:${req.params.once}`;
    if ((await read(told, null)) !== null) return void res.json({ replayed: true });
    const passed = await take(`left:${keyId}`, 0);
    if (passed) await write(told, true);
    return void res.status(passed ? 200 : 429).json({});
  });

  listen(app);
}

main();
