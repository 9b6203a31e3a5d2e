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
    requests: all.map((entry) => ({
      label: entry.kind,
      sent: entry.sent - start,
      done: entry.done - start,
      status: entry.status,
      ...(entry === culprit ? { culprit: true } : {}),
    })),
  };
}

/** Nobody knows what came of it. @param {Entry} entry */
const unanswered = ({ status }) => status === 0 || status >= 500;

/** @param {Entry} entry */
const granted = ({ status }) => status >= 200 && status < 300;

/**
 * What was asked for with a credential, and was answered.
 * @param {Entry[]} log
 * @param {string[]} kinds of requests that need one
 * @param {number} wrong
 */
const decisionsOf = (log, kinds, wrong) => ({
  tried: log.filter((entry) => kinds.includes(entry.kind) && !unanswered(entry)).length,
  wrong,
});

/**
 * @template K
 * @param {Entry[]} log
 * @param {(entry: Entry) => K} by
 * @returns {Map<K, Entry[]>}
 */
function groupedBy(log, by) {
  /** @type {Map<K, Entry[]>} */
  const groups = new Map();
  for (const entry of log) {
    const group = groups.get(by(entry));
    if (group) group.push(entry);
    else groups.set(by(entry), [entry]);
  }
  return groups;
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
    if (entry.kind === forbids && granted(entry) && !ended.has(entry.about.of))
      ended.set(entry.about.of, entry);
  let [tried, violations, worst] = [0, 0, 0];
  let caught;
  /** @type {Map<string, number>} */
  const each = new Map();
  for (const entry of log) {
    const end = entry.kind === allows ? ended.get(entry.about.of) : undefined;
    if (end === undefined || entry.sent <= end.done) continue;
    tried++;
    if (!granted(entry)) continue;
    violations++;
    const count = (each.get(entry.about.of) ?? 0) + 1;
    each.set(entry.about.of, count);
    worst = Math.max(worst, count);
    caught ??= timeline(
      `${entry.about.of}: let through ${Math.round(entry.sent - end.done)} ms afterwards`,
      [end],
      entry,
    );
  }
  return {
    tried,
    violations,
    decisions: decisionsOf(log, [allows], violations),
    notes: { [forbids === 'ban' ? 'bans' : 'revocations']: ended.size },
    most: { 'let through after one': worst },
    caught,
  };
}

/**
 * Asks once more when all is over, with everything that was revoked: where answers take long, nothing may have been begun after a
 * revocation that was answered late.
 * @param {Entry[]} log
 * @param {{ forbids: string, allows: string }} kinds
 * @param {{ names: string[], call: (of: string) => import('./drive.js').Call, ask: import('./app.js').Load['ask'] }} how
 * @returns {Promise<Entry[]>} the log, and what came of it
 */
async function onceMore(log, { forbids, allows }, { names, call, ask }) {
  const answered = log.filter((entry) => entry.kind === forbids && granted(entry));
  const ended = new Set(answered.map(({ about }) => about.of));
  const entries = [...log];
  for (const of of names.filter((name) => ended.has(name))) {
    const sent = performance.now();
    const answer = await ask(call(of));
    const [done, clock] = [performance.now(), Date.now()];
    entries.push({ kind: allows, about: { of }, due: sent, sent, done, clock, ...answer });
  }
  return entries;
}

module.exports = { afterwards, decisionsOf, granted, groupedBy, onceMore, timeline, unanswered };
