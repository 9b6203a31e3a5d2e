// What the specs of turns share: gates to hold sections at, and what a section saw.
'use strict';

const { once } = require('node:events');

/** Something to wait for until somebody opens it. @returns {{ opened: Promise<void>, open: () => void }} */
function gate() {
  let open = () => {};
  const opened = new Promise((/** @type {(value: void) => void} */ resolve) => {
    open = resolve;
  });
  return { opened, open };
}

/** Who only waits for a signal keeps no process alive: this does. @param {AbortSignal} signal @returns {Promise<any>} its reason */
async function aborted(signal) {
  const vigil = setInterval(() => {}, 60_000);
  try {
    if (!signal.aborted) await once(signal, 'abort');
    return signal.reason;
  } finally {
    clearInterval(vigil);
  }
}

/** One turn of the event loop. */
const tick = () =>
  new Promise((/** @type {(value: void) => void} */ resolve) => void setImmediate(() => resolve()));

/**
 * A section that is held until told to go on.
 * @template L
 * @param {(work: (lease: L) => Promise<string>) => Promise<string>} run
 */
async function held(run) {
  const [entered, leaving] = [gate(), gate()];
  /** @type {any} */
  let lease;
  const done = run(async (given) => {
    lease = given;
    entered.open();
    await leaving.opened;
    return 'done';
  });
  await Promise.race([entered.opened, done]);
  return { lease, leave: leaving.open, done };
}

/** Counts who is inside at once. */
function crowd() {
  const seen = { inside: 0, most: 0, runs: 0, fences: /** @type {number[]} */ ([]) };
  const work = async (/** @type {{ fence: number }} */ { fence }) => {
    seen.inside++;
    seen.runs++;
    seen.most = Math.max(seen.most, seen.inside);
    seen.fences.push(fence);
    await tick();
    seen.inside--;
  };
  return { seen, work };
}

/** @param {number[]} fences */
const areGrowing = (fences) => fences.every((fence, index) => index === 0 || fence > fences[index - 1]);

module.exports = { aborted, areGrowing, crowd, gate, held, tick };
