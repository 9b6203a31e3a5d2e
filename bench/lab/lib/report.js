'use strict';
// Writes what the lab has found: results.json, report.html, and the table in the README.

const fs = require('node:fs');
const path = require('node:path');
const { BENCH } = require('../../lib/nodes.js');
const { markdown, overallOf } = require('./figures.js');
const { page } = require('./page.js');

const ROOT = path.join(BENCH, '..');
const [BEGIN, END] = ['<!-- lab: written by npm run lab -->', '<!-- /lab -->'];

/** @param {import('../run.js').Run[]} runs */
function summary(runs) {
  const { one, many, protected: wrong, tried } = overallOf(runs);
  return [
    `unprotected, 500/s and more: ${one.toFixed(2)} % with one process, ${many.toFixed(2)} % with six`,
    `with latchgate: ${wrong} of ${tried}`,
  ].join('\n');
}

/** More digits would say nothing. @param {string} _name @param {unknown} value */
const rounded = (_name, value) => (typeof value === 'number' ? Number(value.toPrecision(5)) : value);

/**
 * @param {Omit<import('./figures.js').Results, 'overall'> & { scenarios: import('../scenarios.js').Entry[] }} found
 */
function writeReport({ scenarios, ...found }) {
  const results = { ...found, overall: overallOf(found.runs) };
  const directory = path.join(ROOT, 'docs', 'lab');
  fs.mkdirSync(directory, { recursive: true });
  fs.writeFileSync(path.join(directory, 'results.json'), `${JSON.stringify(results, rounded)}\n`);
  fs.writeFileSync(path.join(directory, 'report.html'), page(results, scenarios));
  const readme = path.join(ROOT, 'README.md');
  const text = fs.readFileSync(readme, 'utf8');
  const [before, rest] = text.split(BEGIN);
  const after = rest?.split(END)[1];
  if (after === undefined) throw new Error(`README.md has no place for the table: ${BEGIN} … ${END}`);
  fs.writeFileSync(readme, `${before}${BEGIN}\n${markdown(found.runs, scenarios)}\n${END}${after}`);
}

module.exports = { summary, writeReport };
