'use strict';
// When a session was last active, as it is usually written: the user's sessions are one JSON value, read and written whole at
// every request, by the clock of the instance that serves it.

const crypto = require('node:crypto');
const express = require('express');
const { expressjwt } = require('express-jwt');
const { Redis } = require('ioredis');
const jwt = require('jsonwebtoken');

const IDLE = 30 * 60_000;

/** @typedef {{ sid: string, lastActive: number }} Session */

/** @type {import('../lib/app.js').Build} */
module.exports = ({ redisUrl, secret }) => {
  const redis = new Redis(redisUrl);
  const app = express();
  app.use(express.json());

  /** @param {string} user @returns {Promise<Session[]>} */
  const find = async (user) => JSON.parse((await redis.get(`user:${user}`)) ?? '[]');
  /** @param {string} user @param {Session[]} sessions */
  const save = (user, sessions) => redis.set(`user:${user}`, JSON.stringify(sessions), 'EX', 86_400);

  app.post('/login', async (req, res) => {
    const { user } = req.body; // a real app checks the password here
    const sid = crypto.randomUUID();
    const sessions = await find(user);
    await save(user, [...sessions, { sid, lastActive: Date.now() }]);
    res.status(201).json({ token: jwt.sign({ sub: user, sid }, secret, { expiresIn: '12h' }) });
  });

  app.get('/me', expressjwt({ secret, algorithms: ['HS256'] }), async (/** @type {any} */ req, res) => {
    const now = Date.now();
    const sessions = (await find(req.auth.sub)).filter(({ lastActive }) => now - lastActive < IDLE);
    const session = sessions.find(({ sid }) => sid === req.auth.sid);
    if (!session) return res.status(401).json({ error: 'invalid_token' });
    session.lastActive = now;
    await save(req.auth.sub, sessions);
    res.json({ lastActive: now });
  });
  return app;
};
