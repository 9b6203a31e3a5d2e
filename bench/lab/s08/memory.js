'use strict';
// Prepaid calls of an API key, as it is written to spare Redis a question: memory says what is left, and Redis is told what was taken.

const crypto = require('node:crypto');
const express = require('express');
const { Redis } = require('ioredis');

/** @type {import('../lib/app.js').Build} */
module.exports = ({ redisUrl }) => {
  const redis = new Redis(redisUrl);
  const app = express();
  app.use(express.json());
  /** What each key has left. @type {Map<string, number>} */
  const known = new Map();

  app.post('/keys', async (req, res) => {
    const key = crypto.randomUUID();
    await redis.set(`key:${key}`, req.body.calls);
    res.status(201).json({ key, id: key });
  });
  app.get('/keys/:id', async (req, res) => {
    res.json({ left: Number(await redis.get(`key:${req.params.id}`)) });
  });
  app.post('/purchases', async (req, res) => {
    const { id, calls } = req.body;
    const left = await redis.incrby(`key:${id}`, calls);
    known.set(id, left);
    res.status(201).json({ left });
  });
  app.get('/odds', async (req, res) => {
    const key = String(req.get('x-api-key'));
    let left = known.get(key);
    if (left === undefined) {
      const kept = await redis.get(`key:${key}`);
      if (kept === null) return res.status(401).json({ error: 'invalid_api_key' });
      left = Number(kept);
    }
    if (left <= 0) return res.status(429).json({ error: 'quota_exhausted' });
    left = await redis.decr(`key:${key}`);
    known.set(key, left);
    res.json({ odds: 2.5, left });
  });
  return app;
};
