'use strict';
// Writes what the lab has found: results.json, report.html, and the table in the README.

const fs = require('node:fs');
const path = require('node:path');
const { BENCH } = require('../../lib/nodes.js');
const { resultsOf } = require('./figures.js');
const { page } = require('./page.js');
const { markdown } = require('./table.js');

const ROOT = path.join(BENCH, '..');
const [BEGIN, END] = ['<!-- lab: written by npm run lab -->', '<!-- /lab -->'];

/** More digits would say nothing. @param {string} _name @param {unknown} value */
const rounded = (_name, value) => (typeof value === 'number' ? Number(value.toPrecision(5)) : value);

/**
 * @typedef {Parameters<typeof resultsOf>[0]} Found
 * @typedef {import('../scenarios.js').Entry[]} Scenarios
 */

/** @param {string} directory @param {Found} found @param {Scenarios} scenarios @returns {string} the table for the README */
function write(directory, found, scenarios) {
  const results = resultsOf(found);
  fs.mkdirSync(directory, { recursive: true });
  fs.writeFileSync(path.join(directory, 'results.json'), `${JSON.stringify(results, rounded)}\n`);
  fs.writeFileSync(path.join(directory, 'report.html'), page(results, scenarios));
  return markdown(results, scenarios);
}

/** The report of any run, beside its table. @param {string} directory @param {Found} found @param {Scenarios} scenarios */
function writeInto(directory, found, scenarios) {
  const table = write(directory, found, scenarios);
  fs.writeFileSync(path.join(directory, 'table.md'), `${table}\n`);
}

/** @param {string} text of the README @param {string} table */
function placed(text, table) {
  const [before, rest] = text.split(BEGIN);
  const after = rest?.split(END)[1];
  if (after === undefined) throw new Error(`README.md has no place for the table: ${BEGIN} … ${END}`);
  return `${before}${BEGIN}\n${table}\n${END}${after}`;
}

/** The report of a whole run. @param {Found} found @param {Scenarios} scenarios */
function writeReport(found, scenarios) {
  const table = write(path.join(ROOT, 'docs', 'lab'), found, scenarios);
  const readme = path.join(ROOT, 'README.md');
  fs.writeFileSync(readme, placed(fs.readFileSync(readme, 'utf8'), table));
}

module.exports = { placed, writeInto, writeReport };
