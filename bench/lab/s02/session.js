'use strict';
// When a session was last active, with express-session and connect-redis: one session a key, by the clock of the instance that
// serves it.

const { RedisStore } = require('connect-redis');
const express = require('express');
const session = require('express-session');
const { createClient } = require('redis');

/** @type {import('../lib/app.js').Build} */
module.exports = ({ redisUrl, secret }) => {
  const client = createClient({ url: redisUrl });
  client.connect();
  const app = express();
  app.use(express.json());
  app.use(session({ store: new RedisStore({ client }), secret, resave: false, saveUninitialized: false }));

  app.post('/login', (/** @type {any} */ req, res, next) => {
    req.session.regenerate((/** @type {unknown} */ error) => {
      if (error) return next(error);
      req.session.user = req.body.user; // a real app checks the password here
      req.session.lastActive = Date.now();
      res.status(201).json({ ok: true });
    });
  });
  app.get('/me', (/** @type {any} */ req, res) => {
    if (req.session.user === undefined) return res.status(401).json({ error: 'unauthorized' });
    req.session.lastActive = Date.now();
    res.json({ lastActive: req.session.lastActive });
  });
  return app;
};
