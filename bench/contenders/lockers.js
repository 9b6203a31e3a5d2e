'use strict';
// Locks, each in its best form: clients and locks made beforehand, scripts loaded by their first use, nothing logged. Those that
// ask again and again do so until they have the lock, with their own pauses or with some of 5 ms.

const { createAuth } = require('../../src/js/index.js');
const { authOptions } = require('../lib/settings.js');

/** Longer than any wait here, so that nothing ends on its own. */
const TTL_MS = 60_000;
const TUNED_MS = 5;

/**
 * @typedef {object} Lock one user of a key; the next asks through one of its own
 * @property {() => Promise<any>} take
 * @property {(held: any) => Promise<unknown> | void} give what take() gave; rejects or throws where it was not held any more
 *
 * @typedef {object} Locker
 * @property {(key: string) => Lock} prepare
 * @property {() => Promise<unknown>} [ready]
 */

/** With the default `wait` of 5 s: where it ends somebody's wait, the run fails. @param {string} store @returns {Locker} */
function latchgate(store) {
  const auth = createAuth(authOptions(store));
  return {
    prepare: (key) => ({
      take: () => auth.locks.acquire(key),
      give: async (lease) => {
        if (!(await lease.release())) throw new Error('the lease was lost');
      },
    }),
    ready: () => auth.ready(),
  };
}

/** @param {number} port */
function connect(port) {
  const { Redis } = require('ioredis');
  return new Redis({ host: '127.0.0.1', port });
}

/** @param {number} port @param {object} [pauses] @returns {Locker} */
function redlock(port, pauses) {
  const { default: Redlock } = require('redlock');
  const locks = new Redlock([connect(port)], { retryCount: -1, ...pauses });
  return {
    prepare: (key) => ({ take: () => locks.acquire([key], TTL_MS), give: (lock) => lock.release() }),
  };
}

/** @param {number} port @param {object} [pauses] @returns {Locker} */
function semaphore(port, pauses) {
  const { Mutex } = require('redis-semaphore');
  const client = connect(port);
  return {
    prepare: (key) => {
      const mutex = new Mutex(client, key, { lockTimeout: TTL_MS, acquireTimeout: TTL_MS, ...pauses });
      return { take: () => mutex.acquire(), give: () => mutex.release() };
    },
  };
}

/** @param {number} port @param {object} [pauses] @returns {Locker} */
function universal(port, pauses) {
  const { IoredisAdapter, createLock } = require('redlock-universal');
  const adapter = new IoredisAdapter(connect(port));
  const options = { adapter, ttl: TTL_MS, retryAttempts: 1e9, performance: 'lean', ...pauses };
  return {
    prepare: (key) => {
      const lock = createLock({ ...options, key });
      return { take: () => lock.acquire(), give: (held) => lock.release(held) };
    },
  };
}

/** @returns {Locker} */
function asyncMutex() {
  const { Mutex } = require('async-mutex');
  /** @type {Map<string, import('async-mutex').Mutex>} */
  const locks = new Map();
  return {
    prepare: (key) => {
      const mutex = locks.get(key) ?? new Mutex();
      locks.set(key, mutex);
      return { take: () => mutex.acquire(), give: (release) => release() };
    },
  };
}

/** Between processes. @type {Record<string, (port: number) => Locker>} */
const NETWORKED = {
  latchgate: (port) => latchgate(`redis://127.0.0.1:${port}`),
  redlock: (port) => redlock(port),
  'redlock, 5 ms': (port) => redlock(port, { retryDelay: TUNED_MS, retryJitter: 2 }),
  'redis-semaphore': (port) => semaphore(port),
  'redis-semaphore, 5 ms': (port) => semaphore(port, { retryInterval: TUNED_MS }),
  'redlock-universal': (port) => universal(port),
  'redlock-universal, 5 ms': (port) => universal(port, { retryDelay: TUNED_MS }),
};

/** Within one process. @type {Record<string, () => Locker>} */
const EMBEDDED = {
  latchgate: () => latchgate('memory:'),
  'async-mutex': asyncMutex,
};

module.exports = { EMBEDDED, NETWORKED };
