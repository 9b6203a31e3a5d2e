// One of several processes that change what no single step could: they read a number, think, and write it back.
'use strict';

const express = require('express');
const { createAuth } = require('latchgate');
const { SECRET } = require('../jwt.js');
const { connect } = require('../resp.js');
const { aborted, gate, tick } = require('../turns.js');
const { listen } = require('./listen.js');

/** DATA: the port of the server that holds what they change. */
const { STORE = '', DATA = '' } = process.env;
const PATIENT = { wait: '50s', maxQueue: 1000 };

const auth = createAuth({
  store: STORE,
  jwt: { secret: SECRET },
  sessions: { admission: 'first-use' },
});
const client = connect({ port: Number(DATA) });
const command = async (/** @type {Array<string | number>} */ ...words) => (await client).command(...words);

/** Nobody else may do this meanwhile. @param {string} name */
async function increment(name) {
  const value = Number(await command('GET', `test:${name}`));
  await tick();
  await command('SET', `test:${name}`, value + 1);
}

const app = express();

app.get('/now', (_req, res) => void res.json({ now: Date.now() }));

app.post('/locked/:name', async (req, res) => {
  const { name } = req.params;
  const fence = await auth.locks.runExclusive(
    name,
    async (lease) => {
      await increment(name);
      return lease.fence;
    },
    PATIENT,
  );
  res.json({ fence });
});

app.post('/bare/:name', async (req, res) => {
  await increment(req.params.name);
  res.json({});
});

/** Notes who comes when. @param {import('express').Request} req */
const note = ({ params: { name, n } }) => command('RPUSH', `test:order:${name}`, String(n));

app.post('/ordered/:name/:n', async (req, res) => {
  await auth.locks.runExclusive(req.params.name, () => note(req), PATIENT);
  res.json({});
});

/** Held until told to go on; what holds and what waits is told by keys of the test. */
const leaving = gate();
app.post('/leave', (_req, res) => {
  leaving.open();
  res.json({});
});
app.post('/hold/:name', async (req, res) => {
  const { name } = req.params;
  const ttl = Number(req.query.ttl);
  const work = async (/** @type {import('latchgate').Lease} */ { fence, signal }) => {
    await command('RPUSH', `test:holders:${name}`, fence);
    await leaving.opened;
    res.json({ fence, aborted: signal.aborted });
  };
  await auth.locks
    .runExclusive(name, work, { ...PATIENT, ttl })
    .catch((error) => command('RPUSH', `test:failed:${name}`, error.code));
});

app.use(auth.middleware());

/** Answered when its credential is revoked, and told by a key of the test until then. */
app.get('/watched/:name', async (req, res) => {
  const { signal } = /** @type {import('latchgate').RequestAuth} */ (req.auth);
  await command('INCR', `test:${req.params.name}`);
  const { code } = await aborted(signal);
  res.json({ code });
});

app.post('/guarded/:name', async (req, res) => {
  const { name } = req.params;
  const mutate = async () => {
    await command('INCR', `test:${name}`);
    await tick();
    await increment(`${name}:sum`);
  };
  await req.auth?.runExclusive(mutate, PATIENT);
  res.json({});
});

app.post('/ordered-user/:name/:n', async (req, res) => {
  await req.auth?.runExclusive(() => note(req), PATIENT);
  res.json({});
});

app.post('/serialized/:name', auth.serialize(PATIENT), async (req, res) => {
  await increment(String(req.params.name));
  res.json({});
});

app.use(
  (/** @type {any} */ error, /** @type {any} */ _req, /** @type {any} */ res, /** @type {any} */ _next) => {
    res.status(error.status ?? 500).json({ code: error.code });
  },
);

listen(app);
