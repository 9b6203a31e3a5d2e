'use strict';
// One of the processes of rows J and JM: takes free turns, or stands in line for a key with the others and writes down when it
// had it. Instants are of the monotonic clock, which all processes of a machine share, in microseconds.

const fs = require('node:fs');
const { setImmediate: turn, setTimeout: pause } = require('node:timers/promises');
const { EMBEDDED, NETWORKED } = require('../contenders/lockers.js');
const { atDepths } = require('../lib/loop.js');

/** @typedef {import('../contenders/lockers.js').Locker} Locker */

/** More than are ever in flight, so that all of them are free. */
const KEYS = 2000;
const DEPTHS = [1, 64];
/** Until a question has come to the server, and the answer that others are before it has come back. */
const ARRIVAL_MS = 10;

const now = () => Number(process.hrtime.bigint()) / 1000;

/**
 * Returns a function that waits for a lock, uses it and gives it back. With the lock it reads and writes the number in a
 * file in two steps, and other processes have time in between.
 * @param {string} counter the file
 */
function standing(counter) {
  const file = fs.openSync(counter, 'r+');
  const number = new Float64Array(1);
  /** @param {import('../contenders/lockers.js').Lock} lock @returns {Promise<number[]>} when asked for, granted, and given back */
  return async function stand(lock) {
    const asked = now();
    const held = await lock.take();
    const granted = now();
    fs.readSync(file, number, 0, 8, 0);
    const [value] = number;
    await turn();
    number[0] = value + 1;
    fs.writeSync(file, number, 0, 8, 0);
    const given = now();
    await lock.give(held);
    return [asked, granted, given];
  };
}

/** @param {Locker} locker @param {string} counter a file */
function site(locker, counter) {
  const stand = standing(counter);
  /** @type {import('../contenders/lockers.js').Lock[] | undefined} */
  let free;
  /** @type {() => Promise<number>} */
  let open = async () => NaN;
  /** @type {Promise<number[]>[]} */
  let line = [];

  const prepared = () => (free ??= Array.from({ length: KEYS }, (_, at) => locker.prepare(`free-${at}`)));

  return {
    /** @param {{ ms: number }} load */
    free({ ms }) {
      const locks = prepared();
      return atDepths(
        (at, done) => {
          const lock = locks[at % KEYS];
          lock
            .take()
            .then((held) => lock.give(held))
            .then(
              () => done(true),
              () => done(false),
            );
        },
        { depths: DEPTHS, ms },
      );
    },
    /** @param {{ count: number }} load */
    async some({ count }) {
      const locks = prepared();
      for (let at = 0; at < count; at++) await locks[at % KEYS].give(await locks[at % KEYS].take());
      return {};
    },
    /** Holds the key until all stand in line. @param {{ key: string }} where */
    async hold({ key }) {
      const lock = locker.prepare(key);
      const held = await lock.take();
      open = async () => {
        const at = now();
        await lock.give(held);
        return at;
      };
      return {};
    },
    /** @param {{ key: string, count: number }} where */
    async line({ key, count }) {
      line = Array.from({ length: count }, () => stand(locker.prepare(key)));
      await pause(ARRIVAL_MS);
      return {};
    },
    /** Who has had it asks again at once. @param {{ key: string, count: number, ms: number }} load */
    async again({ key, count, ms }) {
      const end = performance.now() + ms;
      const lane = async () => {
        const lock = locker.prepare(key);
        const turns = [];
        while (performance.now() < end) turns.push(await stand(lock));
        return turns;
      };
      return { turns: (await Promise.all(Array.from({ length: count }, lane))).flat() };
    },
    async open() {
      const opened = open();
      open = async () => NaN;
      return { turns: await Promise.all(line), opened: await opened };
    },
  };
}

/** @type {any} */
let own;

process.on('message', async (/** @type {any} */ { start, method, job }) => {
  try {
    if (start !== undefined) {
      const { contender, port, counter } = start;
      const locker = port === undefined ? EMBEDDED[contender]() : NETWORKED[contender](port);
      await locker.ready?.();
      own = site(locker, counter);
    }
    process.send?.({ result: method === undefined ? {} : await own[method](job) });
  } catch (error) {
    process.send?.({ error: String(/** @type {Error} */ (error)?.stack ?? error) });
  }
});
// Its connections would keep it.
process.once('disconnect', () => process.exit());
