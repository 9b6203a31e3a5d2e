'use strict';
// The report as one page: everything it shows stands in it, nothing is fetched.

const { course, escaped, shares, waits } = require('./charts.js');

/**
 * @typedef {import('../run.js').Run} Run
 * @typedef {import('./figures.js').Results} Results
 */

const STYLE = `
:root { color-scheme: light dark; --paper: #fbfaf7; --ink: #22252b; --soft: #6a6f78; --line: #e3e0d8; --card: #ffffff;
  --wrong: #c2452d; --wrong-soft: #e9a390; --right: #1f7a72; --third: #8a6d1f; }
@media (prefers-color-scheme: dark) { :root { --paper: #16181c; --ink: #e8e6e1; --soft: #9aa0a9; --line: #2d3138; --card: #1d2025;
  --wrong: #ef7b60; --wrong-soft: #8d4636; --right: #4fbfb3; --third: #d2ad4a; } }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.55 system-ui, sans-serif; }
main { max-width: 860px; margin: 0 auto; padding: 48px 20px 80px; }
h1 { font-size: 34px; line-height: 1.15; margin: 0 0 8px; letter-spacing: -0.02em; }
h2 { font-size: 21px; margin: 0; letter-spacing: -0.01em; }
p { margin: 8px 0; } .soft { color: var(--soft); }
.heads { display: grid; grid-template-columns: repeat(auto-fit, minmax(200px, 1fr)); gap: 14px; margin: 28px 0; }
.head { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 16px 18px; }
.head b { display: block; font-size: 30px; line-height: 1.2; font-variant-numeric: tabular-nums; }
.head.wrong b { color: var(--wrong); } .head.right b { color: var(--right); }
section { background: var(--card); border: 1px solid var(--line); border-radius: 12px; padding: 22px 24px; margin: 20px 0; }
section h2 span { color: var(--soft); font-weight: 500; margin-right: 8px; }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(320px, 1fr)); gap: 20px; margin-top: 12px; }
figure { margin: 0; } figcaption { font-size: 13px; color: var(--soft); margin-bottom: 4px; }
svg { width: 100%; height: auto; display: block; } svg text { font: 11px system-ui, sans-serif; fill: var(--soft); }
.end { text-anchor: end; } .middle { text-anchor: middle; } svg .small { fill: var(--ink); }
.grid { stroke: var(--line); stroke-width: 1; } rect.one { fill: var(--wrong-soft); } rect.many { fill: var(--wrong); }
.band { opacity: 0.16; } .band.unprotected { fill: var(--wrong); } .band.protected { fill: var(--right); } .band.third { fill: var(--third); }
.line { fill: none; stroke-width: 2; } .line.unprotected { stroke: var(--wrong); } .line.protected { stroke: var(--right); }
.line.third { stroke: var(--third); } .dot.unprotected { fill: var(--wrong); } .dot.protected { fill: var(--right); } .dot.third { fill: var(--third); }
.ordinary { fill: var(--soft); opacity: 0.45; } .culprit { fill: var(--wrong); }
.keys { font-size: 13px; color: var(--soft); } .keys span { white-space: nowrap; } .keys i { display: inline-block; width: 10px; height: 10px; border-radius: 2px; margin: 0 5px 0 12px; }
table { border-collapse: collapse; width: 100%; font-size: 13.5px; font-variant-numeric: tabular-nums; }
th, td { text-align: right; padding: 5px 8px; border-bottom: 1px solid var(--line); } th:first-child, td:first-child { text-align: left; }
th { color: var(--soft); font-weight: 500; } .zero { color: var(--right); font-weight: 600; } .bad { color: var(--wrong); font-weight: 600; }
details { margin-top: 12px; } summary { cursor: pointer; color: var(--soft); font-size: 14px; } .scroll { overflow-x: auto; }`;

const number = (/** @type {number} */ value) => value.toLocaleString('en-US');

/** Beside the two that every scenario has, there may be a third. @param {string} form */
const tone = (form) => (form === 'unprotected' || form === 'protected' ? form : 'third');

/**
 * @param {string} kind
 * @param {string} figure
 * @param {string} text
 */
const head = (kind, figure, text) => `<div class="head ${kind}"><b>${figure}</b>${escaped(text)}</div>`;

/** @param {string} color @param {string} text */
const key = (color, text) => `<span><i style="background: var(--${color})"></i>${escaped(text)}</span>`;

/** @param {Run[]} runs */
function table(runs) {
  const rows = runs.map(({ form, processes, rate, tried, violations, latency }) => {
    const tint = violations === 0 ? 'zero' : 'bad';
    const { p50, p95, p99 } = latency;
    const cells = [
      number(tried),
      `<span class="${tint}">${number(violations)}</span>`,
      ...[p50, p95, p99].map((ms) => ms.toFixed(1)),
    ];
    return `<tr><td>${escaped(form)}, ${processes} ${processes === 1 ? 'process' : 'processes'}</td><td>${rate}</td>${cells.map((cell) => `<td>${cell}</td>`).join('')}</tr>`;
  });
  const names = ['app', 'requests/s', 'tried', 'violations', 'p50 ms', 'p95 ms', 'p99 ms'];
  return `<details><summary>all figures</summary><div class="scroll"><table><tr>${names.map((name) => `<th>${name}</th>`).join('')}</tr>${rows.join('')}</table></div></details>`;
}

/** @param {import('../scenarios.js').Entry} scenario @param {Run[]} runs */
function card(scenario, runs) {
  const plain = runs.filter(({ form }) => form === 'unprotected');
  const guarded = runs.filter(({ form }) => form === 'protected');
  const many = Math.max(...runs.map(({ processes }) => processes));
  const forms = [...new Set(runs.map(({ form }) => form))];
  const curves = forms.map((form) => ({
    form: tone(form),
    points: runs
      .filter((run) => run.form === form && run.processes === many)
      .map(({ rate, latency }) => ({ rate, ...latency })),
  }));
  const bars = plain.map(({ rate, processes, tried, violations }) => {
    return { rate, processes, count: violations, share: tried === 0 ? 0 : (100 * violations) / tried };
  });
  const caught = plain.toSorted((a, b) => b.violations - a.violations).find((run) => run.caught)?.caught;
  const sum = (/** @type {Run[]} */ all, /** @type {'tried' | 'violations'} */ name) =>
    all.reduce((total, run) => total + run[name], 0);
  const third = forms.find((form) => tone(form) === 'third');
  return `<section><h2><span>${scenario.id}</span>${escaped(scenario.title)}</h2>
<p>As it is usually written: ${escaped(scenario.unprotected)}.<br>Counted: ${escaped(scenario.violation)}.</p>
<p><span class="bad">${number(sum(plain, 'violations'))}</span> of ${number(sum(plain, 'tried'))} ${escaped(scenario.operation)} went wrong;
with latchgate <span class="${sum(guarded, 'violations') === 0 ? 'zero' : 'bad'}">${number(sum(guarded, 'violations'))}</span> of ${number(sum(guarded, 'tried'))}.</p>
<div class="pair"><figure><figcaption>violations, unprotected <span class="keys">${key('wrong-soft', 'one process')}${key('wrong', 'six')}</span></figcaption>${shares(bars)}</figure>
<figure><figcaption>wait, six processes: p95, band from p50 to p99 <span class="keys">${key('wrong', 'unprotected')}${key('right', 'latchgate')}${third ? key('third', third) : ''}</span></figcaption>${waits(curves)}</figure></div>
${caught ? `<figure style="margin-top: 16px"><figcaption>One of them, as the client saw it — ${escaped(caught.what)}</figcaption>${course(caught)}</figure>` : ''}
${table(runs)}</section>`;
}

/** @param {Results} results @param {import('../scenarios.js').Entry[]} scenarios @returns {string} */
function page({ machine, seed, seconds, runs, overall }, scenarios) {
  const share = (/** @type {number} */ value) => `${value.toFixed(value < 10 ? 2 : 1)} %`;
  const cards = scenarios
    .map((scenario) => ({ scenario, own: runs.filter((run) => run.scenario === scenario.id) }))
    .filter(({ own }) => own.length > 0)
    .map(({ scenario, own }) => card(scenario, own));
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>latchgate: the race lab</title><style>${STYLE}</style></head><body><main>
<h1>What races cost</h1>
<p class="soft">The same applications, written as they usually are and with latchgate, under the same load: an open loop of people who know nothing of
each other, on one Node process and on six behind ${escaped(machine.front)} that share one Redis. Nothing was slowed down to make them fail.</p>
<div class="heads">${head('wrong', share(overall.one), 'of the operations that were tried went wrong at 500 requests/s and more: unprotected, one process')}
${head('wrong', share(overall.many), 'the same with six processes')}
${head('right', number(overall.protected), `went wrong with latchgate, of ${number(overall.tried)} tried at any load`)}</div>
${cards.join('\n')}
<p class="soft">Node ${escaped(machine.node)}, Redis ${escaped(machine.redis)}, ${escaped(machine.cpu)}, ${escaped(machine.system)}. ${seconds} s a run, seed ${seed}.
The load, the applications, Redis and the proxy share these processors: compare waits with each other, not with yours. Made by <code>npm run lab</code>.</p>
</main></body></html>
`;
}

module.exports = { page };
