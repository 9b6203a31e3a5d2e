// One of several processes that take turns at a few keys, and write down when they asked and what they heard: a line before
// each question and a line behind each answer, in microseconds of the monotonic clock, which all processes share.
'use strict';

const { randomInt } = require('node:crypto');
const fs = require('node:fs');
const { setTimeout: pause } = require('node:timers/promises');
const { createAuth } = require('latchgate');
const { SECRET } = require('../jwt.js');

const { RECORD = '', STORE = '', ACKS = '0' } = process.env;
const KEYS = 5;
const LANES = 6;
const TTL = 400;

const auth = createAuth({
  store: { url: STORE, commandTimeout: '400ms', connectTimeout: '400ms', acks: Number(ACKS) },
  jwt: { secret: SECRET },
});
const file = fs.openSync(RECORD, 'a');
let questions = 0;
let isOver = false;

const now = () => Number(process.hrtime.bigint() / 1000n);

/** @param {object} line */
const write = (line) => void fs.writeSync(file, `${JSON.stringify(line)}\n`);

/** When a lease ends, by the same clock. @param {import('latchgate').Lease} lease */
const endOf = (lease) => Math.floor(now() + (lease.expiresAt - Date.now()) * 1000);

/**
 * @template T
 * @param {{ op: string, key: string, fence?: number }} question
 * @param {() => Promise<T>} ask
 * @param {(answer: T) => object} tell
 * @returns {Promise<T | undefined>}
 */
async function asked(question, ask, tell) {
  const id = `${process.pid}-${++questions}`;
  write({ id, ...question, at: now() });
  try {
    const answer = await ask();
    write({ id, at: now(), ...tell(answer) });
    return answer;
  } catch (error) {
    write({ id, at: now(), failed: /** @type {any} */ (error).code });
    return undefined;
  }
}

/** Takes a turn, and now and then keeps it longer than it may. */
async function turn() {
  const key = `key-${randomInt(KEYS)}`;
  const options = { ttl: TTL, wait: 3000, autoExtend: false };
  const lease = await asked(
    { op: 'acquire', key },
    () => auth.locks.acquire(key, options),
    (it) => ({ fence: it.fence, ends: endOf(it) }),
  );
  if (lease === undefined) return;
  const { fence } = lease;
  const dice = randomInt(40);
  if (dice > 1) await pause(randomInt(4));
  // A renewal waits for no replica: where the primary falls it may be lost, and the lease ends as it would have without it.
  if (dice < 8 && ACKS === '0') {
    const by = randomInt(100, TTL);
    await asked(
      { op: 'extend', key, fence },
      () => lease.extend(by),
      (held) => ({ held, ends: endOf(lease) }),
    );
  }
  if (dice === 0) await pause(TTL * 1.5);
  await asked(
    { op: 'release', key, fence },
    () => lease.release(),
    (held) => ({ held }),
  );
}

async function lane() {
  while (!isOver) await turn();
}

process.on('SIGTERM', () => {
  isOver = true;
});

Promise.all(Array.from({ length: LANES }, lane)).then(() => auth.close());
