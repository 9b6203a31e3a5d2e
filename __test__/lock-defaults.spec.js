// docs/turns.md lists the defaults of turns with reasons. The tests compare that table with the real defaults.
'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { describe, it } = require('node:test');
const { lockOptions } = require('../src/js/options/lock-options.js');

const DOCS = fs.readFileSync(path.join(__dirname, '..', 'docs', 'turns.md'), 'utf8');
const [, TABLE = ''] = /^## Defaults$\n(.*?)^## /ms.exec(DOCS) ?? [];
const ROWS = TABLE.split('\n')
  .filter((line) => line.startsWith('| `'))
  .map((line) =>
    line
      .slice(1, -1)
      .split('|')
      .map((cell) => cell.trim()),
  );

/**
 * Parses the text of a cell, with or without backticks, as options.
 * @param {string} text such as "ttl: '3s'"
 * @returns {object}
 */
const options = (text) =>
  JSON.parse(
    `{${text
      .replaceAll('`', '')
      .replaceAll("'", '"')
      .replace(/(\w+):/g, '"$1":')}}`,
  );

const settings = (/** @type {object} */ given) => lockOptions(given, (message) => new TypeError(message));

describe('the table of defaults in docs/turns.md', () => {
  it('names every option that has a default', () => {
    const named = ROWS.flatMap(([name, value]) =>
      name.includes(':') ? options(value) : { [name.replaceAll('`', '')]: 1 },
    ).flatMap(Object.keys);
    const all = Object.keys(settings({})).map((name) => name.replace(/Ms$/, ''));
    assert.deepEqual([...new Set(named)].sort(), all.filter((name) => name !== 'signal').sort());
  });

  for (const [name, value, why] of ROWS) {
    it(`gives the default of ${name}, with a reason`, () => {
      const isSetting = name.includes(':');
      const base = isSetting ? options(name) : {};
      const given = options(isSetting ? value : `${name}: ${value}`);
      assert.deepEqual(settings({ ...base, ...given }), settings(base));
      assert.match(why, /\w/);
    });
  }
});
