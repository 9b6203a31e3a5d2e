// Timers that go off when the test says so, in place of setTimeout. Those of Node 20's test runner lack refresh(), which
// fetch() calls.
'use strict';

/** @param {{ after: (fn: () => void) => void }} t */
function steerTimers(t) {
  const { setTimeout, clearTimeout } = globalThis;
  /** @type {Set<{ at: number, call: () => void }>} */
  const timers = new Set();
  let now = 0;
  const fake = {
    setTimeout(
      /** @type {(...args: any[]) => void} */ callback,
      /** @type {number} */ ms,
      /** @type {any[]} */ ...args
    ) {
      const timer = {
        at: now + ms,
        call: () => callback(...args),
        ref: () => timer,
        unref: () => timer,
        refresh() {
          timer.at = now + ms;
          timers.add(timer);
          return timer;
        },
      };
      timers.add(timer);
      return timer;
    },
    clearTimeout(/** @type {any} */ timer) {
      if (!timers.delete(timer)) clearTimeout(timer);
    },
  };
  Object.assign(globalThis, fake);
  t.after(() => Object.assign(globalThis, { setTimeout, clearTimeout }));

  /** Moves on, and calls what falls due, one after the other. @param {number} ms */
  return function tick(ms) {
    const until = now + ms;
    for (;;) {
      const [next] = [...timers].filter(({ at }) => at <= until).sort((a, b) => a.at - b.at);
      if (next === undefined) break;
      timers.delete(next);
      now = next.at;
      next.call();
    }
    now = until;
  };
}

module.exports = { steerTimers };
