'use strict';
// What judges have in common.

/** @typedef {import('./drive.js').Entry} Entry */

/**
 * A violation, as the client saw it.
 * @param {string} what
 * @param {Entry[]} entries that led to it
 * @param {Entry} culprit
 * @returns {import('./app.js').Caught}
 */
function timeline(what, entries, culprit) {
  const all = [...new Set([...entries, culprit])].sort((a, b) => a.sent - b.sent);
  const start = all[0].sent;
  return {
    what,
    requests: all.map(({ kind, sent, done, status }) => ({
      label: kind,
      sent: sent - start,
      done: done - start,
      status,
    })),
  };
}

/**
 * What was let through though it was begun after something had been answered that forbids it.
 * @param {Entry[]} log
 * @param {{ forbids: string, allows: string }} kinds `about.of` says what of
 * @returns {import('./app.js').Judged}
 */
function afterwards(log, { forbids, allows }) {
  /** @type {Map<string, Entry>} */
  const ended = new Map();
  for (const entry of log)
    if (entry.kind === forbids && entry.status < 300 && entry.status > 0) ended.set(entry.about.of, entry);
  let [tried, violations] = [0, 0];
  let caught;
  for (const entry of log) {
    const end = entry.kind === allows ? ended.get(entry.about.of) : undefined;
    if (end === undefined || entry.sent <= end.done) continue;
    tried++;
    if (entry.status === 0 || entry.status >= 300) continue;
    violations++;
    caught ??= timeline(
      `${entry.about.of}: let through ${Math.round(entry.sent - end.done)} ms afterwards`,
      [end],
      entry,
    );
  }
  return { tried, violations, caught };
}

/** Milliseconds since the epoch, as fine as can be. @param {number} at an instant of performance.now() */
const wallClock = (at) => performance.timeOrigin + at;

module.exports = { afterwards, timeline, wallClock };
