'use strict';
// Refresh with rotation and reuse detection, as it is usually written: used already? Then the family ends. Else mark it, and issue.

const crypto = require('node:crypto');
const express = require('express');
const { Redis } = require('ioredis');
const jwt = require('jsonwebtoken');

const LIFE = 43_200;

/** @type {import('../lib/app.js').Build} */
module.exports = ({ redisUrl, secret }) => {
  const redis = new Redis(redisUrl);
  const app = express();
  app.use(express.json());

  const issue = async (/** @type {string} */ user, /** @type {string} */ family) => {
    const refreshToken = crypto.randomBytes(32).toString('base64url');
    await redis.hset(`refresh:${refreshToken}`, { user, family, used: '0' });
    await redis.expire(`refresh:${refreshToken}`, LIFE);
    return { accessToken: jwt.sign({ sub: user }, secret, { expiresIn: '15m' }), refreshToken };
  };

  app.post('/login', async (req, res) => {
    const family = crypto.randomUUID();
    await redis.set(`family:${family}`, 1, 'EX', LIFE);
    res.status(201).json(await issue(req.body.user, family));
  });
  app.post('/refresh', async (req, res) => {
    const key = `refresh:${req.body.refreshToken}`;
    const { user, family, used } = await redis.hgetall(key);
    if (user === undefined || (await redis.exists(`family:${family}`)) === 0)
      return res.status(401).json({ error: 'invalid_grant' });
    if (used === '1') {
      await redis.del(`family:${family}`);
      return res.status(401).json({ error: 'invalid_grant' });
    }
    await redis.hset(key, 'used', '1');
    res.json(await issue(user, family));
  });
  return app;
};
