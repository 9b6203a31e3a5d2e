'use strict';
// The report as one page: everything it shows stands in it, nothing is fetched.

const { card, counted } = require('./card.js');
const { escaped } = require('./charts.js');
const { BUSY, sum } = require('./figures.js');
const { STYLE } = require('./style.js');
const { ms, number, percent } = require('./table.js');

/**
 * @typedef {import('./figures.js').Run} Run
 * @typedef {import('./figures.js').Results} Results
 * @typedef {import('./figures.js').Share} Share
 * @typedef {import('../scenarios.js').Entry} Entry
 */

/** @param {string} kind @param {string} value @param {string} text */
const head = (kind, value, text) =>
  `<div class="head ${kind}"><b>${value}</b><span>${escaped(text)}</span></div>`;

/** @param {string[][]} rows the first is the head; cells are HTML */
const table = ([names, ...rows]) =>
  `<div class="scroll"><table><tr>${names.map((name) => `<th>${name}</th>`).join('')}</tr>${rows.map((row) => `<tr>${row.map((cell) => `<td>${cell}</td>`).join('')}</tr>`).join('')}</table></div>`;

/** All scenarios at a glance. @param {Entry[]} scenarios @param {Run[]} runs */
function overview(scenarios, runs) {
  const cell = (/** @type {Run[]} */ own) => {
    const [wrong, tried] = [sum(own, ({ violations }) => violations), sum(own, (run) => run.tried)];
    if (tried === 0) return '<span class="soft">not run</span>';
    const share = (100 * wrong) / tried;
    const bar =
      wrong === 0 ? '' : `<span class="meter" style="width: ${Math.max(2, share).toFixed(0)}%"></span>`;
    return `<span class="${wrong === 0 ? 'zero' : 'bad'}">${number(wrong)}</span> of ${number(tried)}${bar}`;
  };
  const rows = scenarios.map(({ id, title }) => {
    const own = runs.filter((run) => run.scenario === id && run.hot === undefined);
    const of = (/** @type {string} */ form, /** @type {boolean} */ one) =>
      cell(own.filter((run) => run.form === form && (run.processes === 1) === one));
    const name = own.length === 0 ? escaped(title) : `<a href="#${id}">${escaped(title)}</a>`;
    return [
      `<span class="soft">${id}</span> ${name}`,
      of('unprotected', true),
      of('unprotected', false),
      of('protected', true),
      of('protected', false),
    ];
  });
  const names = [
    'went wrong, of so many tried',
    'unprotected, one process',
    'six',
    'latchgate, one process',
    'six',
  ];
  return table([names, ...rows]);
}

/** @param {string} text */
const sentence = (text) => escaped(`${text.slice(0, 1).toUpperCase()}${text.slice(1)}.`);

/** @param {Results['revocation']} rows */
function revocation(rows) {
  if (rows.length === 0) return '';
  const ahead = rows.filter((row) => row.ahead).length;
  const lines = rows.map((row) => [
    `${counted(row.processes)}, ${number(row.rate)}/s`,
    ms(row.database),
    ms(row.blacklist),
    `<span class="${row.ahead ? 'zero' : 'bad'}">${ms(row.latchgate)}</span>`,
    row.ahead ? 'yes' : 'no',
  ]);
  return `<h3>p95: latchgate is ahead of both in ${ahead} of ${rows.length} runs</h3>
${table([['', 'PostgreSQL', 'Redis blacklist', 'latchgate', 'ahead of both'], ...lines])}`;
}

/** @param {Results['turn']} rows */
function turn(rows) {
  if (rows.length === 0) return '';
  const lines = rows.map(({ processes, rate, alone, turn: added, lock, turnedAway }) => [
    `${counted(processes)}, ${number(rate)}/s`,
    ms(alone.mean),
    `<b>${ms(added.mean)}</b>`,
    ms(added.p50),
    ms(added.p95),
    ms(added.p99),
    ms(lock.mean),
    ms(lock.p95),
    number(turnedAway),
  ]);
  const names = [
    '',
    'no turn, mean',
    'turn adds, mean',
    'p50',
    'p95',
    'p99',
    'lock adds, mean',
    'p95',
    'turned away',
  ];
  return `<h3>What the turn adds to the same app without one</h3>
<p class="soft fine">Percentiles of the one less those of the other, in the same run. The lock is a lease of 100 ms with three attempts, then 429.</p>
${table([names, ...lines])}`;
}

/** @param {Results['overall']} overall */
function heads({ unprotected, protected: guarded, operations, scenarios }) {
  const shareOf = (/** @type {Share} */ { share, tried }) => (tried === 0 ? 'not run' : percent(share));
  const of = (/** @type {Share} */ { wrong, tried }) => `${number(wrong)} of ${number(tried)}`;
  const both = guarded.one.wrong + guarded.many.wrong;
  return `<div class="heads">${head('wrong', shareOf(unprotected.one), `of the decisions on credentials a race made wrong: unprotected, one process (${of(unprotected.one)})`)}
${head('wrong', shareOf(unprotected.many), `the same with several processes (${of(unprotected.many)})`)}
${head(both === 0 ? 'right' : 'wrong', number(both), `on latchgate, of ${number(guarded.one.tried + guarded.many.tried)} decisions, one process and several`)}</div>
<p class="soft fine"><b>What is counted here.</b> A decision on a credential is any answered request that was to be let in or refused by its
login, session, token or API key: those of ${scenarios.join(', ') || 'no scenario'}, at ${BUSY} requests/s and more. It is wrong through a race where it would have come
out otherwise had the requests come one after the other, each seeing what those before it did: one let in beyond the limit, or after a revocation
that had been answered, or beyond what its key had left; one thrown out though its session was live. How many they are depends on how many meet: here one login in ten is sent twice (S1), one
refresh in twenty comes from two tabs (S11), and one request in ten from somebody whose credential is ended meanwhile (S3, S5, S9).</p>
<p class="soft fine">What goes wrong whether or not two meet (S10, S12), what is
no decision on a credential (S6, S7), and what is merely slow (S4, S13) is counted below, and not here.
At any load, in all scenarios, the protected apps show ${number(operations.violations)} violations in ${number(operations.tried)} operations.</p>`;
}

/** @param {Results} results @param {Entry[]} scenarios @returns {string} */
function page(results, scenarios) {
  const { machine, seed, seconds, incomplete, runs, overall } = results;
  const more = /** @type {Record<string, string>} */ ({
    S4: revocation(results.revocation),
    S6: turn(results.turn),
  });
  const cards = scenarios
    .map((scenario) => ({ scenario, own: runs.filter((run) => run.scenario === scenario.id) }))
    .filter(({ own }) => own.length > 0)
    .map(({ scenario, own }) => card(scenario, own, more[scenario.id]));
  const notice =
    incomplete.length === 0
      ? ''
      : `<div class="notice"><b>Not a whole run.</b> ${incomplete.map(sentence).join(' ')}</div>`;
  const versions = [
    `Node ${machine.node}`,
    `Redis ${machine.redis}`,
    ...(machine.postgres ? [`PostgreSQL ${machine.postgres}`] : []),
    machine.cpu,
    machine.system,
  ];
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>latchgate: the race lab</title><style>${STYLE}</style></head><body><main>
<h1>What races cost</h1>
<p>The same applications, written as they usually are and with latchgate, under the same load: people who know nothing of each other, some of them
seen very often, on one Node process and on several behind ${escaped(machine.front)} that share one Redis. Nothing was slowed down to make them fail, and where
nothing failed it says 0.</p>
${notice}${heads(overall)}
<section>${overview(scenarios, runs)}</section>
${cards.join('\n')}
<p class="soft fine">${versions.map(escaped).join(', ')}. ${seconds} s a run, seed ${seed}, which fixes who sends what, and when; not what the machine makes of it.
Load, applications, servers and proxy share the processors: compare waits with each other, not with yours. A request counts as unanswered where the
connection ended, or with 500 and more. Made by <code>npm run lab</code>.</p>
</main></body></html>
`;
}

module.exports = { page };
