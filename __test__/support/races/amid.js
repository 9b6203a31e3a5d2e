// Requests that run without a pause through every process while something is taken away through one of them.
'use strict';

const assert = require('node:assert/strict');

const LOOPS = 4;
/** Requests of each loop that begin after the act has resolved. */
const LATE = 20;

/**
 * @param {Array<{ port: number }>} workers
 * @param {(port: number) => Promise<{ status: number }>} ask
 * @param {() => Promise<void>} act begins once requests were let through, and resolves when it is done
 * @returns {Promise<{ accepted: number }>} of the requests that began after it had resolved, those that were not refused with 401
 */
async function acceptedAfter(workers, ask, act) {
  let resolved = false;
  let before = 0;
  let late = 0;
  let accepted = 0;
  const loops = workers.flatMap(({ port }) =>
    Array.from({ length: LOOPS }, async () => {
      for (let left = LATE; left > 0; ) {
        const isLate = resolved;
        const { status } = await ask(port);
        if (!isLate && status === 200) before++;
        if (!isLate) continue;
        left--;
        late++;
        if (status !== 401) accepted++;
      }
    }),
  );
  const acting = async () => {
    while (before < workers.length * 2 * LOOPS) await new Promise(setImmediate);
    await act();
    resolved = true;
  };
  await Promise.all([...loops, acting()]);
  assert.equal(late, workers.length * LOOPS * LATE);
  return { accepted };
}

module.exports = { acceptedAfter };
