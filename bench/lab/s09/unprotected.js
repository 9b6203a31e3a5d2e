'use strict';
// API keys behind a cache, as it is usually written: what was valid is believed for two seconds.

const crypto = require('node:crypto');
const express = require('express');
const { Redis } = require('ioredis');

const CACHED_FOR = 2000;

/** @type {import('../lib/app.js').Build} */
module.exports = ({ redisUrl }) => {
  const redis = new Redis(redisUrl);
  const app = express();
  app.use(express.json());

  /** @type {Map<string, { owner: string | null, at: number }>} */
  const cache = new Map();
  const ownerOf = async (/** @type {string} */ key) => {
    const known = cache.get(key);
    if (known && Date.now() - known.at < CACHED_FOR) return known.owner;
    const owner = await redis.get(`key:${key}`);
    cache.set(key, { owner, at: Date.now() });
    return owner;
  };

  app.post('/keys', async (req, res) => {
    const key = crypto.randomUUID();
    await redis.set(`key:${key}`, req.body.owner);
    res.status(201).json({ key, id: key });
  });
  app.post('/revoke', async (req, res) => {
    await redis.del(`key:${req.body.id}`);
    cache.delete(req.body.id);
    res.json({ revoked: true });
  });
  app.get('/odds', async (req, res) => {
    const owner = await ownerOf(req.get('x-api-key') ?? '');
    if (owner === null) return res.status(401).json({ error: 'invalid_api_key' });
    res.json({ odds: 2.5 });
  });
  return app;
};
