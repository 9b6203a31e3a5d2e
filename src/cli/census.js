'use strict';
// The keys under a prefix, counted by kind: docs/layout.md. No key is shown, as its name may hold an id.

const { allowed, found } = require('./examine.js');

/**
 * @typedef {import('./examine.js').Connection} Connection
 * @typedef {import('./examine.js').Finding} Finding
 */

/** Beyond so many it is only said that there are more. */
const MOST = 200_000;

/**
 * @param {Connection[]} servers among which the keys are shared out
 * @param {string} prefix
 * @returns {Promise<{ findings: Finding[], keys: Record<string, number> | undefined }>} undefined: they may not be looked at
 */
async function census(servers, prefix) {
  /** @type {Map<string, number>} */
  const kinds = new Map();
  let [count, total] = [0, 0];
  for (const server of servers) {
    total += Number((await allowed(server.command('DBSIZE'))) ?? 0);
    let cursor = '0';
    do {
      const page = await allowed(server.command('SCAN', cursor, 'MATCH', `${prefix}:*`, 'COUNT', 1000));
      if (page === undefined)
        return {
          findings: [found('keys', 'note', 'SCAN is refused: keys are not counted')],
          keys: undefined,
        };
      cursor = page[0];
      for (const key of page[1]) kinds.set(kindOf(key), (kinds.get(kindOf(key)) ?? 0) + 1);
      count += page[1].length;
    } while (cursor !== '0' && count < MOST);
  }
  const keys = Object.fromEntries([...kinds].sort(([a], [b]) => (a < b ? -1 : 1)));
  const list = Object.entries(keys).map(([kind, number]) => `${kind} ${number}`);
  const text = `${count}${count >= MOST ? ' or more' : ''} under '${prefix}:'${count === 0 ? '' : ` (${list.join(', ')})`}`;
  const beside = total > count && count < MOST ? `, ${total - count} beside them` : '';
  return { findings: [found('keys', 'ok', text + beside)], keys };
}

/** @param {string} key */
function kindOf(key) {
  return /^[^:]+:(?:\{\d+\}:)?([a-z]{1,8})(?::|$)/.exec(key)?.[1] ?? 'other';
}

module.exports = { census };
