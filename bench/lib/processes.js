'use strict';
// The processes of a run: a fresh one for every contender and round, on the Node binary that is asked for.

const { execFileSync, fork, spawn } = require('node:child_process');
const { once } = require('node:events');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { freePort } = require('../../__test__/support/started.js');
const { redisServer } = require('../../scripts/lib/servers.js');
const { Connection } = require('./resp.js');

const PATIENCE_MS = 120_000;

/** One process that is told and asked over IPC. */
class Child {
  /**
   * @param {string} node
   * @param {string} name of a worker
   * @param {string[]} [flags] for Node
   */
  constructor(node, name, flags = []) {
    this.name = name;
    this.process = fork(path.join(__dirname, '..', 'workers', `${name}.js`), {
      execPath: node,
      execArgv: flags,
      env: { ...process.env, NODE_ENV: 'production', NODE_NO_WARNINGS: '1', NODE_OPTIONS: '' },
    });
  }

  /** @param {object} message */
  tell(message) {
    this.process.send(message);
  }

  /**
   * @param {object} message
   * @param {(answer: any) => boolean} [isIt] the answer, where others may come
   * @param {number} [patience] milliseconds
   * @returns {Promise<any>}
   */
  ask(message, isIt = () => true, patience = PATIENCE_MS) {
    return new Promise((resolve, reject) => {
      const done = (/** @type {() => void} */ settle) => {
        clearTimeout(timer);
        this.process.off('message', onMessage).off('exit', onExit);
        settle();
      };
      const onMessage = (/** @type {any} */ answer) => isIt(answer) && done(() => resolve(answer));
      const onExit = (/** @type {number | null} */ code) =>
        done(() => reject(new Error(`${this.name} ended with ${code} before it had answered`)));
      const timer = setTimeout(() => done(() => reject(new Error(`${this.name} does not answer`))), patience);
      this.process.on('message', onMessage).on('exit', onExit);
      this.tell(message);
    });
  }

  end() {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return Promise.resolve();
    return new Promise((resolve) => {
      this.process.once('exit', resolve);
      if (this.process.connected) this.process.disconnect();
      else this.process.kill();
    });
  }
}

/**
 * A worker that does one job and ends.
 * @param {string} node
 * @param {string} name
 * @param {Record<string, any>} job
 * @param {{ flags?: string[], patience?: number }} [options] as of Child
 */
async function work(node, name, job, { flags, patience } = {}) {
  const child = new Child(node, name, flags);
  const { result, error } = await child.ask(job, undefined, patience);
  await child.end();
  if (error !== undefined) throw new Error(`${name}, ${job.contender}: ${error}`);
  return result;
}

/** A server of the run's own, on loopback, which keeps nothing. */
async function startRedis() {
  const file = await redisServer();
  if (file === undefined)
    throw new Error('redis-server 7.0 or newer is needed on PATH: apt-get install redis-server');
  const port = await freePort();
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'latchgate-bench-'));
  const args = [
    '--port',
    String(port),
    '--bind',
    '127.0.0.1',
    '--save',
    '',
    '--appendonly',
    'no',
    '--dir',
    directory,
  ];
  const server = spawn(file, args, { stdio: 'ignore' });
  // Also where the run is broken off.
  process.once('exit', () => server.kill());
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM']))
    process.once(signal, () => process.exit(1));
  const connection = await reach(port);
  const info = await connection.ask('INFO', 'server');
  return {
    port,
    version: /redis_version:(\S+)/.exec(info)?.[1],
    flush: () => connection.ask('FLUSHALL', 'SYNC'),
    keys: async () => Number((await connection.ask('DBSIZE')).slice(1)),
    stop: async () => {
      connection.close();
      server.kill();
      await new Promise((resolve) => server.once('exit', resolve));
      fs.rmSync(directory, { recursive: true, force: true });
    },
  };
}

/**
 * A line to a server that takes so long each way; compiled when first asked for, because Node's timers tick in milliseconds.
 * @param {number} port
 * @param {number} micros
 */
async function startDelay(port, micros) {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'latchgate-bench-'));
  const binary = path.join(directory, 'delay');
  execFileSync('rustc', ['-O', '--edition', '2024', '-o', binary, path.join(__dirname, '..', 'delay.rs')]);
  const line = spawn(binary, [String(port), String(micros)], { stdio: ['ignore', 'pipe', 'inherit'] });
  const stop = () => line.kill();
  process.once('exit', stop);
  const [text] = await once(line.stdout, 'data');
  return {
    port: Number(text),
    stop: async () => {
      process.off('exit', stop);
      const ended = once(line, 'exit');
      stop();
      await ended;
      fs.rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** @param {number} port @returns {Promise<Connection>} */
async function reach(port) {
  for (let attempt = 0; attempt < 100; attempt++) {
    const connection = new Connection(port);
    const up = await new Promise((resolve) => {
      connection.socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    });
    if (up) return connection;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error('redis-server does not come up');
}

module.exports = { Child, startDelay, startRedis, work };
