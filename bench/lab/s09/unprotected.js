'use strict';
// API keys behind a cache, as it is usually written: what was valid is believed for two seconds. Each key has its calls with it;
// whoever rotates takes what is left along, and the old key works until everybody has the new one.

const crypto = require('node:crypto');
const express = require('express');
const { Redis } = require('ioredis');

const CACHED_FOR = 2000;
const GRACE = 600;

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
  const make = async (/** @type {string} */ owner, /** @type {number} */ left) => {
    const key = crypto.randomUUID();
    await redis.mset(`key:${key}`, owner, `calls:${key}`, left);
    return { key, id: key };
  };

  app.post('/keys', async (req, res) => {
    res.status(201).json(await make(req.body.owner, req.body.calls));
  });
  app.post('/revoke', async (req, res) => {
    await redis.del(`key:${req.body.id}`);
    cache.delete(req.body.id);
    res.json({ revoked: true });
  });
  app.post('/rotate', async (req, res) => {
    const [owner, left] = await redis.mget(`key:${req.body.id}`, `calls:${req.body.id}`);
    if (owner === null) return res.status(404).json({ error: 'unknown_key' });
    await redis.expire(`key:${req.body.id}`, GRACE);
    res.json(await make(owner, Number(left)));
  });
  app.get('/odds', async (req, res) => {
    const key = req.get('x-api-key') ?? '';
    if ((await ownerOf(key)) === null) return res.status(401).json({ error: 'invalid_api_key' });
    if ((await redis.decr(`calls:${key}`)) < 0) return res.status(429).json({ error: 'quota_exhausted' });
    res.json({ odds: 2.5 });
  });
  return app;
};
