'use strict';
// Prepaid calls of an API key, as it is written by those who queue them: one request of a key after the other, by a chain of
// promises. next() returns at the handler's first await, and so the one behind is let in before the handler is done.

const crypto = require('node:crypto');
const express = require('express');
const { Redis } = require('ioredis');

/** @type {import('../lib/app.js').Build} */
module.exports = ({ redisUrl }) => {
  const redis = new Redis(redisUrl);
  const app = express();
  app.use(express.json());
  /** The last turn of each key. @type {Map<string, Promise<void>>} */
  const turns = new Map();

  /** @type {express.RequestHandler} */
  function inTurn(req, _res, next) {
    const key = String(req.get('x-api-key'));
    const before = turns.get(key) ?? Promise.resolve();
    turns.set(
      key,
      before.then(() => next()),
    );
  }

  app.post('/keys', async (req, res) => {
    const key = crypto.randomUUID();
    await redis.set(`key:${key}`, req.body.calls);
    res.status(201).json({ key, id: key });
  });
  app.get('/keys/:id', async (req, res) => {
    res.json({ left: Number(await redis.get(`key:${req.params.id}`)) });
  });
  app.post('/purchases', async (req, res) => {
    res.status(201).json({ left: await redis.incrby(`key:${req.body.id}`, req.body.calls) });
  });
  app.get('/odds', inTurn, async (req, res) => {
    const name = `key:${req.get('x-api-key')}`;
    const left = await redis.get(name);
    if (left === null) return res.status(401).json({ error: 'invalid_api_key' });
    if (Number(left) <= 0) return res.status(429).json({ error: 'quota_exhausted' });
    res.json({ odds: 2.5, left: await redis.decr(name) });
  });
  return app;
};
