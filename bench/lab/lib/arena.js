'use strict';
// One app of the lab as it is run: on one process, or on six behind nginx, all on one Redis.

const fs = require('node:fs');
const http = require('node:http');
const path = require('node:path');
const { send } = require('../../../scripts/demo/client.js');
const { signJwt } = require('../../../scripts/demo/jwt.js');
const { faketimeLibrary } = require('../../../scripts/lib/servers.js');
const { startProcesses } = require('../../../__test__/support/processes.js');
const { BENCH } = require('../../lib/nodes.js');

const TRIES = 5;

const ROOT = path.join(BENCH, '..');
const HOST = path.join(__dirname, '..', 'host.js');
const SECRET = 'a secret for the lab, of thirty-two bytes and more';

/** What the routes of the back office ask for, where an app guards them; good for as long as a run may take. */
const backOffice = () =>
  signJwt(
    { sub: 'back-office', scope: 'back-office', exp: Math.floor(Date.now() / 1000) + 12 * 3600 },
    SECRET,
  );

/** So that the apps may say require('latchgate'), as everybody does. */
function linkLatchgate() {
  const link = path.join(BENCH, 'node_modules', 'latchgate');
  if (!fs.existsSync(link)) fs.symlinkSync(ROOT, link, 'junction');
}

/**
 * @param {{ directory: string, clocks?: number[] }} scenario
 * @param {{ form: string, processes: number, redisPort: number, database?: string }} options form: the app's file
 */
async function startArena(scenario, { form, processes, redisPort, database }) {
  /** @type {Array<() => any>} */
  const endings = [];
  const stop = async () => {
    for (const end of endings.toReversed()) await end();
  };
  const clocks = processes > 1 && faketimeLibrary() !== undefined ? scenario.clocks : undefined;
  const env = {
    LAB_APP: path.join(__dirname, '..', scenario.directory, `${form}.js`),
    LAB_REDIS: `redis://127.0.0.1:${redisPort}`,
    LAB_SECRET: SECRET,
    ...(database === undefined ? {} : { LAB_DATABASE: database }),
    NODE_ENV: 'production',
    NODE_NO_WARNINGS: '1',
  };
  try {
    const { port, workers } = await startProcesses(
      { after: (end) => endings.push(end) },
      { app: HOST, count: processes, env, clocks },
    );
    const agent = new http.Agent({ keepAlive: true });
    endings.push(() => agent.destroy());
    const door = processes === 1 ? workers[0].port : port;
    // Whoever prepares a run must not lose it to a connection that has just been closed.
    const ask = async (/** @type {import('./drive.js').Call} */ call) => {
      for (let tries = 1; ; tries++) {
        const answer = await send(door, call, { agent });
        if ((answer.status > 0 && answer.status < 500) || tries === TRIES) return answer;
      }
    };
    return { port: door, ask, secret: SECRET, backOffice: backOffice(), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

module.exports = { backOffice, linkLatchgate, startArena };
