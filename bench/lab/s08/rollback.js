'use strict';
// Prepaid calls of an API key, as it is written by those who know of races: take one, and give it back where there was none.

const crypto = require('node:crypto');
const express = require('express');
const { Redis } = require('ioredis');

/** @type {import('../lib/app.js').Build} */
module.exports = ({ redisUrl }) => {
  const redis = new Redis(redisUrl);
  const app = express();
  app.use(express.json());

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
  app.get('/odds', async (req, res) => {
    const name = `key:${req.get('x-api-key')}`;
    const left = await redis.decr(name);
    if (left < 0) {
      await redis.incr(name);
      return res.status(429).json({ error: 'quota_exhausted' });
    }
    res.json({ odds: 2.5, left });
  });
  return app;
};
