'use strict';
// An app on express-session with connect-redis, as their documentation has it: what is found there is theirs.

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
      req.session.user = req.body.user;
      res.status(201).json({ ok: true });
    });
  });
  // Counts what is looked at, as shops do: the session is written at the end of every request.
  app.get('/me', (/** @type {any} */ req, res) => {
    if (req.session.user === undefined) return res.status(401).json({ error: 'unauthorized' });
    req.session.views = (req.session.views ?? 0) + 1;
    res.json({ user: req.session.user, views: req.session.views });
  });
  // Ten calls a session: a counter in it.
  app.get('/report', (/** @type {any} */ req, res) => {
    if (req.session.user === undefined) return res.status(401).json({ error: 'unauthorized' });
    if ((req.session.calls ?? 0) >= 10) return res.status(429).json({ error: 'quota_exhausted' });
    req.session.calls = (req.session.calls ?? 0) + 1;
    res.json({ calls: req.session.calls });
  });
  app.post('/logout', (/** @type {any} */ req, res, next) => {
    req.session.destroy((/** @type {unknown} */ error) => {
      if (error) return next(error);
      res.status(204).end();
    });
  });
  return app;
};
