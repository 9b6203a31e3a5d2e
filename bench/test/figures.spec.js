// The tables in the documents match the results in bench/results.
'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const { describe, it } = require('node:test');
const report = require('../lib/report.js');
const stores = require('../stores.js');

/** @type {Array<{ name: string, file: string, written: (text: string) => string, command: string }>} */
const DOCUMENTS = [
  {
    name: 'docs/performance.md',
    file: report.DOCS,
    written: report.written,
    command: 'npm run bench -- --docs',
  },
  {
    name: 'docs/stores.md',
    file: stores.FILE,
    written: stores.written,
    command: 'node bench/stores.js --docs',
  },
];

for (const { name, file, written, command } of DOCUMENTS) {
  describe(name, () => {
    it('contains the table that the stored results produce', () => {
      const text = fs.readFileSync(file, 'utf8');
      assert.ok(written(text) === text, `out of date: ${command}`);
    });
  });
}

describe('the table of docs/performance.md', () => {
  it('has every row that was measured on the newest Node', () => {
    const [{ rows }] = report.keptRuns();
    const text = fs.readFileSync(report.DOCS, 'utf8');
    for (const row of Object.keys(rows)) assert.match(text, new RegExp(`^\\| ${row} \\|`, 'm'), row);
  });
});
