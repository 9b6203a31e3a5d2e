'use strict';
// One scenario of the report: what is counted, what went wrong, how long it took, and one race that was caught.

const { course, escaped, shares, waits } = require('./charts.js');
const { sum } = require('./figures.js');
const { FURTHER } = require('./style.js');
const { number } = require('./table.js');

/**
 * @typedef {import('./figures.js').Run} Run
 * @typedef {import('../scenarios.js').Entry} Entry
 * @typedef {{ form: string, tone: string, name: string }} Form
 */

const NAMES = /** @type {Record<string, string>} */ ({ unprotected: 'unprotected', protected: 'latchgate' });

/** @param {number} processes */
const counted = (processes) => (processes === 1 ? 'one process' : `${processes} processes`);

/** @param {Entry} scenario @param {Run[]} runs @returns {Form[]} */
function formsOf({ names = {} }, runs) {
  let further = 0;
  return [...new Set(runs.map(({ form }) => form))].map((form) => {
    const tone = NAMES[form] === undefined ? FURTHER[further++] : form;
    return { form, tone, name: names[form] ?? NAMES[form] ?? form };
  });
}

/** @param {string} color @param {string} text */
const key = (color, text) =>
  `<span><i class="key" style="background: var(--${color})"></i>${escaped(text)}</span>`;

/** @param {Form[]} forms @param {Run[]} runs @param {(run: Run) => number} at */
const curvesOf = (forms, runs, at) =>
  forms.flatMap(({ form, tone, name }) => {
    const points = runs
      .filter((run) => run.form === form)
      .map((run) => ({ at: at(run), ...run.latency }))
      .sort((a, b) => a.at - b.at);
    return points.length === 0 ? [] : [{ tone, name, band: NAMES[form] !== undefined, points }];
  });

/** @param {string} caption @param {string} picture */
const figure = (caption, picture) => `<figure><figcaption>${caption}</figcaption>${picture}</figure>`;

/** @param {Form[]} forms @param {Run[]} runs */
function pictures(forms, runs) {
  const plain = runs.filter(({ form }) => form === 'unprotected');
  const bars = plain.map(({ rate, processes, tried, violations }) => {
    return { rate, processes, count: violations, share: tried === 0 ? 0 : (100 * violations) / tried };
  });
  const sizes = [...new Set(runs.map(({ processes }) => processes))];
  const caption = `<b>went wrong</b> unprotected${sizes.map((size) => key(size === 1 ? 'half' : 'unprotected', size === 1 ? '1 process' : `${size}`)).join('')}`;
  const curves = sizes.map((size) => {
    const own = runs.filter(({ processes }) => processes === size);
    return figure(
      `<b>wait, ${counted(size)}</b> by requests/s`,
      waits(curvesOf(forms, own, ({ rate }) => rate)),
    );
  });
  const keys = forms.map(({ tone, name }) => key(tone, name)).join('');
  return `<div class="row">${bars.length > 0 ? figure(caption, shares(bars)) : ''}${curves.join('')}</div>
<p class="keys">wait, p95 (shaded: from p50 to p99): ${keys}</p>`;
}

/** What else was counted, by form. @param {Form[]} forms @param {Run[]} runs */
function notes(forms, runs) {
  const names = (/** @type {'notes' | 'most'} */ of) => [
    ...new Set(runs.flatMap((run) => Object.keys(run[of] ?? {}))),
  ];
  const row = (/** @type {string} */ name, /** @type {(own: Run[]) => number} */ value) =>
    `<tr><td>${escaped(name)}</td>${forms.map(({ form }) => `<td>${number(value(runs.filter((run) => run.form === form)))}</td>`).join('')}</tr>`;
  const rows = [
    ...names('notes').map((name) => row(name, (own) => sum(own, (run) => run.notes?.[name] ?? 0))),
    ...names('most').map((name) =>
      row(`at most: ${name}`, (own) => Math.max(0, ...own.map((run) => run.most?.[name] ?? 0))),
    ),
  ];
  if (rows.length === 0) return '';
  return `<div class="scroll"><table><tr><th>in all runs</th>${forms.map(({ name }) => `<th>${escaped(name)}</th>`).join('')}</tr>${rows.join('')}</table></div>`;
}

/** @param {Form[]} forms @param {Run[]} runs */
function table(forms, runs) {
  const rows = runs.map(({ form, processes, rate, hot, tried, violations, sent, unanswered, latency }) => {
    const tint = violations === 0 ? 'zero' : 'bad';
    const cells = [
      hot === undefined ? rate : `${rate}, ${100 * hot} % for one`,
      number(sent),
      number(unanswered),
      number(tried),
      `<span class="${tint}">${number(violations)}</span>`,
      ...[latency.mean, latency.p50, latency.p95, latency.p99].map((each) => each.toFixed(1)),
    ];
    const name = forms.find((each) => each.form === form)?.name ?? form;
    return `<tr><td>${escaped(name)}, ${counted(processes)}</td>${cells.map((cell) => `<td>${cell}</td>`).join('')}</tr>`;
  });
  const names = [
    'app',
    'requests/s',
    'sent',
    'unanswered',
    'tried',
    'went wrong',
    'mean ms',
    'p50',
    'p95',
    'p99',
  ];
  return `<details><summary>all figures</summary><div class="scroll"><table><tr>${names.map((name) => `<th>${name}</th>`).join('')}</tr>${rows.join('')}</table></div></details>`;
}

/** Waits while more and more is for one of all. @param {Form[]} forms @param {Run[]} runs */
function sweep(forms, runs) {
  const swept = runs.filter(({ hot }) => hot !== undefined);
  if (swept.length === 0) return '';
  const sizes = [...new Set(swept.map(({ processes }) => processes))];
  const curves = sizes.map((size) => {
    const own = swept.filter(({ processes }) => processes === size);
    const curve = curvesOf(forms, own, ({ hot = 0 }) => hot);
    return figure(
      `<b>wait, ${counted(size)}</b>`,
      waits(curve, (at) => `${Math.round(100 * at)} %`),
    );
  });
  return `<h3>As contention grows: ${number(swept[0].rate)} requests/s, of which so many are for one account</h3><div class="row">${curves.join('')}</div>`;
}

/**
 * @param {Entry} scenario
 * @param {Run[]} runs of it
 * @param {string} [more] that is told of this one alone
 */
function card(scenario, runs, more = '') {
  const forms = formsOf(scenario, runs);
  const steady = runs.filter(({ hot }) => hot === undefined);
  const count = (/** @type {string} */ form, /** @type {'tried' | 'violations'} */ name) =>
    sum(
      steady.filter((run) => run.form === form),
      (run) => run[name],
    );
  const tint = (/** @type {number} */ value) => (value === 0 ? 'zero' : 'bad');
  const [plain, guarded] = [count('unprotected', 'violations'), count('protected', 'violations')];
  const caught = steady
    .filter((run) => run.form === 'unprotected' && run.caught)
    .sort((a, b) => b.processes - a.processes || b.violations - a.violations)[0]?.caught;
  return `<section id="${scenario.id}"><h2><span class="id">${scenario.id}</span>${escaped(scenario.title)}</h2>
<p class="verdict"><span class="${tint(plain)}">${number(plain)}</span> of ${number(count('unprotected', 'tried'))} ${escaped(scenario.operation)} went wrong;
on latchgate <span class="${tint(guarded)}">${number(guarded)}</span> of ${number(count('protected', 'tried'))}.</p>
<p class="soft">Counted: ${escaped(scenario.violation)}.<br>As it is usually written: ${escaped(scenario.unprotected)}.</p>
${pictures(forms, steady)}
${caught ? `<h3>One of them, as the client saw it: ${escaped(caught.what.replace(/\bat-\d+-/g, ''))}</h3>${course(caught)}` : ''}
${more}${sweep(forms, runs)}${notes(forms, steady)}
${table(forms, runs)}</section>`;
}

module.exports = { card, counted };
