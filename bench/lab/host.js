'use strict';
// Runs one app of the lab in a process of its own: `host.js`, with what it needs in the environment.

const express = require('express');
const { listen } = require('../../__test__/support/apps/listen.js');

const { LAB_APP = '', LAB_REDIS = '', LAB_SECRET = '', LAB_DATABASE } = process.env;
/** @type {(world: { redisUrl: string, secret: string, database?: string }) => import('express').Express} */
const build = require(LAB_APP);
const app = express();
// What nginx is found to be up by.
app.get('/now', (_req, res) => void res.json({ now: Date.now() }));
app.use(build({ redisUrl: LAB_REDIS, secret: LAB_SECRET, database: LAB_DATABASE }));
listen(app);
