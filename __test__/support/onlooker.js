// Between a client and a server, in a thread of its own: it sees what was sent while the event loop of the client has its turn.
'use strict';

const { once } = require('node:events');
const path = require('node:path');
const { Worker } = require('node:worker_threads');

const [CALLS, CHUNKS] = [0, 1];
/** Milliseconds after which what was not sent is taken for held back by mistake. */
const PATIENCE = 20_000;

/**
 * @param {import('./started.js').Test} t
 * @param {{ port: number }} target
 */
async function startOnlooker(t, { port }) {
  const shared = new Int32Array(new SharedArrayBuffer(8));
  const worker = new Worker(path.join(__dirname, 'onlooker-thread.js'), { workerData: { port, shared } });
  t.after(() => worker.terminate());
  const [own] = await once(worker, 'message');
  return {
    url: `redis://127.0.0.1:${own}`,
    /** Calls of scripts that it has seen. */
    get calls() {
      return Atomics.load(shared, CALLS);
    },
    /** How many parts they came in: at most as many as were written. */
    get chunks() {
      return Atomics.load(shared, CHUNKS);
    },
    forget() {
      shared.fill(0);
    },
    /** Blocks this thread, so that its turn goes on. @param {number} calls @returns {boolean} whether so many came */
    sees(calls) {
      const latest = performance.now() + PATIENCE;
      for (let seen = this.calls; seen < calls; seen = this.calls) {
        const left = latest - performance.now();
        if (left <= 0) return false;
        Atomics.wait(shared, CALLS, seen, left);
      }
      return true;
    },
    /** Blocks this thread for so long that what was written is seen on its own. */
    look() {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2);
    },
  };
}

module.exports = { startOnlooker };
