'use strict';
// Tables: of what was measured, and of what was aimed at.

const fs = require('node:fs');
const path = require('node:path');
const { GOALS, measuredIn } = require('./goals.js');
const { BENCH } = require('./nodes.js');
const { spread } = require('./stats.js');

const DOCS = path.join(BENCH, '..', 'docs', 'performance.md');
const MARKS = ['<!-- figures: begin -->', '<!-- figures: end -->'];

/** @typedef {import('./series.js').Measured} Measured */

/** @param {number} value */
function figure(value) {
  if (Number.isNaN(value)) return '–';
  const size = Math.abs(value);
  return size >= 1000
    ? Math.round(value).toLocaleString('en')
    : value.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : 2);
}

/** @param {import('./stats.js').Spread} spread */
const figures = ({ median, low, high }) =>
  Number.isNaN(median) ? 'not run' : `${figure(median)} (${figure(low)} – ${figure(high)})`;

/** @param {string[][]} lines */
function table(lines) {
  const widths = lines[0].map((_, column) => Math.max(...lines.map((line) => line[column].length)));
  return lines
    .map((line) =>
      line
        .map((cell, column) => cell.padEnd(widths[column]))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** What must not happen, summed up; undefined where a contender cannot tell. @param {Measured[]} rounds */
function faults(rounds) {
  const failed = rounds.reduce((sum, round) => sum + round.failed, 0);
  if (rounds.every(({ counters }) => counters === undefined))
    return failed === 0 ? 'does not check' : `${failed} refused`;
  const counted = rounds.flatMap(({ counters = {} }) => Object.entries(counters));
  const wrong = counted.filter(([, count]) => count !== 0).map(([name, count]) => `${name} ${count}`);
  if (failed > 0) wrong.push(`${failed} refused`);
  return wrong.length === 0 ? '0' : `VOID: ${[...new Set(wrong)].join(', ')}`;
}

/**
 * @param {string} title
 * @param {Record<string, Measured[]>} results
 */
function printRow(title, results) {
  const contenders = Object.keys(results);
  const names = Object.keys(results[contenders[0]][0].metrics);
  const lines = [
    ['', ...names, 'counter'],
    ...contenders.map((contender) => [
      contender,
      ...names.map((name) => {
        const { median, low, high } = spread(results[contender].map(({ metrics }) => metrics[name] ?? NaN));
        if (Number.isNaN(median)) return '–';
        return `${figure(median)} ±${Math.round((50 * (high - low)) / Math.abs(median || 1))}%`;
      }),
      faults(results[contender]),
    ]),
  ];
  return `\n${title}\n(medians of ${results[contenders[0]].length}; ± half the distance of the quartiles)\n${table(lines)}`;
}

/**
 * Nothing is claimed that one quartile grants and the other denies.
 * @param {import('./series.js').Goal} goal
 * @param {import('./stats.js').Spread} spread
 */
function verdict({ better, goal, moonshot }, { median, low, high }) {
  if (goal === undefined || moonshot === undefined || Number.isNaN(median)) return '';
  const isMet = (/** @type {number} */ value, /** @type {number} */ aim) => {
    if (better === 'exactly') return value === aim;
    return better === 'more' ? value >= aim : value <= aim;
  };
  const isOpen = (/** @type {number} */ aim) => isMet(low, aim) !== isMet(high, aim);
  const by = (/** @type {number} */ aim) => `${Math.round(Math.abs(100 * (median / aim - 1)))} %`;
  if (isOpen(goal))
    return `open: ${isMet(median, goal) ? 'median meets it' : `median misses it by ${by(goal)}`}`;
  const further = goal === moonshot ? '' : `; moonshot by ${by(moonshot)}`;
  if (!isMet(median, goal)) return `missed by ${by(goal)}${further}`;
  if (goal === moonshot) return 'met';
  if (isOpen(moonshot)) return 'met; moonshot open';
  return isMet(median, moonshot) ? 'moonshot met' : `met; moonshot missed by ${by(moonshot)}`;
}

/** @param {Record<string, Record<string, Measured[]>>} rows */
const measuredGoals = (rows) => GOALS.filter(({ row }) => rows[measuredIn(row)] !== undefined);

/** @param {Record<string, Record<string, Measured[]>>} rows */
function verdicts(rows) {
  const lines = measuredGoals(rows).map((goal) => {
    const value = goal.value(rows);
    const aims = goal.goal === undefined ? '' : `${goal.goal} -> ${goal.moonshot}`;
    return [goal.row, goal.what, aims, `${figures(value)} ${goal.unit}`, verdict(goal, value)];
  });
  return `\n${table([['', 'measure', 'goal -> moonshot', 'measured: median (quartiles)', ''], ...lines])}`;
}

/**
 * @typedef {object} Run
 * @property {string} file
 * @property {Record<string, Record<string, Measured[]>>} rows
 * @property {any} machine that rows were run on
 * @property {Record<string, any>} [machines] those of single rows, where they were noted
 */

/** The machine that a row was run on. @param {Run} run @param {string} row */
const machineOf = ({ machine, machines = {} }, row) => machines[row] ?? machine;

/** @param {any} machine */
const named = ({ cpu, system, redis }) => `${cpu}, ${system}; Redis ${redis}`;

/** Which rows of a run were run elsewhere than the others, or on another Node. @param {Run} run @returns {string[]} */
function elsewhere(run) {
  /** @type {Map<string, string[]>} */
  const places = new Map();
  const place = (/** @type {any} */ machine) => `Node ${machine.node}, ${named(machine)}`;
  for (const row of Object.keys(run.rows)) {
    const at = place(machineOf(run, row));
    if (at !== place(run.machine)) places.set(at, [...(places.get(at) ?? []), row]);
  }
  return [...places].map(
    ([at, rows]) => `${rows.join(', ')} of Node ${parseInt(run.machine.node, 10)}: ${at}.`,
  );
}

/** What was kept of every Node, the newest first. @returns {Run[]} */
function keptRuns() {
  const directory = path.join(BENCH, 'results');
  const runs = fs
    .readdirSync(directory)
    .filter((file) => /^node\d+\.json$/.test(file))
    .map((file) => ({ file, ...JSON.parse(fs.readFileSync(path.join(directory, file), 'utf8')) }));
  return runs.sort((a, b) => parseInt(b.machine.node, 10) - parseInt(a.machine.node, 10));
}

/**
 * The newest Node says which rows there are.
 * @param {Run[]} runs
 * @param {(goal: import('./series.js').Goal) => boolean} [isMeant] which of the goals
 */
function markdown(runs, isMeant = () => true) {
  const head = runs.flatMap(({ machine }) => [`Node ${machine.node}`, '']);
  const lines = [
    `| | measure | goal → moonshot | ${head.join(' | ')} |`,
    `|${'---|'.repeat(3 + head.length)}`,
  ];
  for (const goal of measuredGoals(runs[0].rows).filter(isMeant)) {
    const aims = goal.goal === undefined ? '' : `${goal.goal} → **${goal.moonshot}** ${goal.unit}`;
    const cells = runs.flatMap(({ rows }) => {
      if (rows[measuredIn(goal.row)] === undefined) return ['not run', ''];
      const value = goal.value(rows);
      return [`${figures(value)} ${goal.unit}`, verdict(goal, value)];
    });
    lines.push(`| ${[goal.row, goal.what, aims, ...cells].join(' | ')} |`);
  }
  return lines.join('\n');
}

/** The document with its table as the results have it. @param {string} text */
function written(text) {
  const runs = keptRuns();
  const { contenders } = runs[0].machine;
  const versions = Object.entries(contenders).map(([name, version]) => `${name} ${version}`);
  const others = runs.flatMap(elsewhere).map((place) => ` ${place}`);
  const setting = `Machine: ${named(runs[0].machine)}; ${versions.join(', ')}.${others.join('')}`;
  const [before, rest] = text.split(MARKS[0]);
  const after = rest?.split(MARKS[1])[1];
  if (after === undefined)
    throw new Error('docs/performance.md lacks the marks between which the figures stand');
  return `${before}${MARKS[0]}\n${setting}\n\n${markdown(runs)}\n${MARKS[1]}${after}`;
}

function writeDocs() {
  fs.writeFileSync(DOCS, written(fs.readFileSync(DOCS, 'utf8')));
}

module.exports = { DOCS, keptRuns, machineOf, markdown, named, printRow, verdicts, writeDocs, written };
