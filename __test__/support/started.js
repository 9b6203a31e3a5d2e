// Processes that tests start, and the ends of them: with the test, with the test process, and where that one is killed.
'use strict';

const { spawn } = require('node:child_process');
const crypto = require('node:crypto');
const { once } = require('node:events');
const fs = require('node:fs');
const net = require('node:net');
const os = require('node:os');
const path = require('node:path');

/** @typedef {import('node:child_process').ChildProcess} ChildProcess */
/** @typedef {{ after: (fn: () => any) => void }} Test */

/** @type {Map<ChildProcess, string>} what runs, and the directory that goes with it */
const running = new Map();
/** @type {ChildProcess | undefined} */
let reaper;

/** @param {string} line */
function tellReaper(line) {
  if (reaper === undefined) {
    reaper = spawn(process.execPath, [path.join(__dirname, 'reaper.js')], {
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
      env: { PATH: process.env.PATH },
    });
    reaper.unref();
    /** @type {any} */ (reaper.stdin).unref();
    reaper.stdin?.on('error', () => {});
  }
  reaper.stdin?.write(`${line}\n`);
}

process.on('exit', () => {
  for (const [child, directory] of running) {
    child.kill('SIGKILL');
    if (directory) fs.rmSync(directory, { recursive: true, force: true });
  }
});

/**
 * Starts a process that ends with this one.
 * @param {string} command
 * @param {string[]} args
 * @param {import('node:child_process').SpawnOptions & { directory?: string }} [options] directory: removed where the process outlives the test process
 */
function start(command, args, { directory = '', ...options } = {}) {
  const child = spawn(command, args, { stdio: 'ignore', ...options });
  if (child.pid !== undefined) {
    running.set(child, directory);
    tellReaper(`+${child.pid} ${directory}`);
  }
  const gone = () => {
    if (running.delete(child)) tellReaper(`-${child.pid}`);
  };
  child.on('exit', gone);
  child.on('error', gone);
  return child;
}

/** Ends a process, stopped ones too, and waits for its end. @param {ChildProcess} child @param {NodeJS.Signals} [signal] */
async function end(child, signal = 'SIGKILL') {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const ended = once(child, 'exit');
  child.kill('SIGCONT');
  child.kill(signal);
  const timer = setTimeout(() => child.kill('SIGKILL'), 10_000);
  await ended;
  clearTimeout(timer);
}

/** A directory of the test's own. @param {Test} t @param {string} label */
function ownDirectory(t, label) {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), `latchgate-${label}-`));
  t.after(() => fs.rmSync(directory, { recursive: true, force: true, maxRetries: 5 }));
  return directory;
}

/** A port of the loopback interface that nobody listens on at this instant. @returns {Promise<number>} */
async function freePort() {
  const [from, below] = [10_240, lowestOfClients()];
  for (;;) {
    const port = below - from < 10_000 ? 0 : crypto.randomInt(from, below);
    const found = handedOut.has(port) ? undefined : await listened(port);
    if (found === undefined) continue;
    handedOut.add(found);
    return found;
  }
}

/** Those of servers that were stopped included: they may be started again. @type {Set<number>} */
const handedOut = new Set();

/** @param {number} port 0 for any @returns {Promise<number | undefined>} undefined where it is taken */
async function listened(port) {
  const server = net.createServer().listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
  } catch {
    return undefined;
  }
  const address = /** @type {net.AddressInfo} */ (server.address());
  server.close();
  await once(server, 'close');
  return address.port;
}

/** From here on the system gives ports to whoever connects: one that lies there may be taken while its server is stopped. */
function lowestOfClients() {
  try {
    return Number.parseInt(fs.readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8'), 10);
  } catch {
    return 0;
  }
}

/** @param {number} ms */
const pause = (ms) =>
  new Promise((/** @type {(value: void) => void} */ resolve) => void setTimeout(resolve, ms));

/**
 * Asks again and again until the answer is true, for what comes in its own time: a start, a recovery. What is asked for
 * must come; the limit is there so that a test which fails also ends.
 * @param {string} what for the message
 * @param {() => any} ask a throw counts as no
 * @param {number} [limit] milliseconds
 */
async function until(what, ask, limit = 30_000) {
  const latest = performance.now() + limit;
  /** @type {unknown} */
  let cause;
  for (;;) {
    try {
      const answer = await ask();
      if (answer) return answer;
      cause = undefined;
    } catch (error) {
      cause = error;
    }
    if (performance.now() > latest) throw new Error(`waited in vain: ${what}`, { cause });
    await pause(10);
  }
}

module.exports = { end, freePort, ownDirectory, pause, start, until };
