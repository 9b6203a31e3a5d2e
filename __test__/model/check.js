// Plays random sequences on a store. For a sequence whose answers differ from the reference, it reports the shortest
// failing sequence. LATCHGATE_TEST_SEED repeats one sequence. LATCHGATE_TEST_SEQUENCES is the number of sequences.
'use strict';

const assert = require('node:assert/strict');
const { randomInt } = require('node:crypto');
const { playKeys } = require('./key-sequences.js');
const { play, sequenceOf } = require('./sequences.js');
const { shrink } = require('./shrink.js');

const SEED = process.env.LATCHGATE_TEST_SEED;
const COUNT = SEED === undefined ? Number(process.env.LATCHGATE_TEST_SEQUENCES ?? 300) : 1;
/** False for a build without quotas. */
const QUOTAS = process.env.LATCHGATE_TEST_QUOTAS !== '0';

const first = () => (SEED === undefined ? randomInt(2 ** 31) : Number(SEED));

/** @param {number} seed */
const sequence = (seed) => sequenceOf(seed, { quotas: QUOTAS });

/** @param {string} store @param {number} [count] */
async function check(store, count = COUNT) {
  const start = first();
  for (let seed = start; seed < start + count; seed++) {
    const failure = await play(store, sequence(seed));
    if (failure === undefined) continue;
    const small = await shrink(store, sequence(seed));
    const again = await play(store, small);
    assert.fail(
      `LATCHGATE_TEST_SEED=${seed}: operation ${failure.at} (${failure.step.name}): ${failure.problem}\n` +
        `${small.steps.length} operations suffice${again === undefined ? ', not always' : ` (${again.problem})`}: ` +
        `${JSON.stringify(small.settings)}\n${small.steps.map((step) => JSON.stringify(step)).join('\n')}`,
    );
  }
}

/** Does the same for operations on API keys. @param {string} store @param {number} [count] */
async function checkKeys(store, count = COUNT) {
  const start = first();
  for (let seed = start; seed < start + count; seed++) {
    const problem = await playKeys(store, seed);
    assert.equal(problem, undefined, `LATCHGATE_TEST_SEED=${seed}`);
  }
}

module.exports = { COUNT, check, checkKeys, sequence };
