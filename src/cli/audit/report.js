'use strict';
// What an audit has found: as text, as JSON, as a page.

/**
 * @typedef {import('./run.js').Finding} Finding
 * @typedef {object} Audit
 * @property {string} target
 * @property {string} seed to run it again with the same users
 * @property {string} at
 * @property {number} requests
 * @property {number} seconds
 * @property {Finding[]} findings
 */

const SIGHTS = 12;

/** @param {Finding} finding */
function textOf({ race, verdict, says, rounds, tried, violations, example, evidence = [] }) {
  const mark = { found: 'FOUND', clean: 'clean', 'not run': 'not run', 'left out': 'left out' }[verdict];
  const count = rounds === 0 ? '' : ` ${violations} violations, ${tried} requests, ${rounds} rounds`;
  const lines = [`${mark.padEnd(9)} ${race}:${count}${says === '' ? '' : ` (${says})`}`];
  if (example) lines.push(`          ${example}`);
  for (const { what, sent, done, status } of evidence.slice(0, SIGHTS))
    lines.push(
      `            ${what.padEnd(13)} sent ${sent.toFixed(3)} ms, answered ${done.toFixed(3)} ms: ${status}`,
    );
  if (evidence.length > SIGHTS)
    lines.push(`            and ${evidence.length - SIGHTS} more (--json has them)`);
  return lines.join('\n');
}

/** @param {Audit} audit */
function text({ target, seed, requests, seconds, findings }) {
  return [
    `audit of ${target}: ${requests} requests in ${seconds.toFixed(1)} s, seed ${seed}`,
    ...findings.map(textOf),
    '',
  ].join('\n');
}

/** @param {unknown} value */
const escaped = (value) => String(value).replace(/[&<>"]/g, (char) => `&#${char.charCodeAt(0)};`);

/** @param {Finding} finding */
function section({ race, verdict, says, rounds, tried, violations, example, evidence = [] }) {
  const rows = evidence.map(
    ({ what, sent, done, status }) =>
      `<tr><td>${escaped(what)}</td><td>${sent.toFixed(3)}</td><td>${done.toFixed(3)}</td><td>${status}</td></tr>`,
  );
  const table =
    rows.length === 0
      ? ''
      : `<table><tr><th>request</th><th>sent, ms</th><th>answered, ms</th><th>status</th></tr>${rows.join('')}</table>`;
  return `<section><h2><b class="${verdict.replace(' ', '-')}">${verdict}</b> ${escaped(race)}</h2>
<p>${violations} violations in ${tried} requests, ${rounds} rounds. ${escaped(example ?? says)}</p>${table}</section>`;
}

/** @param {Audit} audit */
function html({ target, seed, at, requests, seconds, findings }) {
  return `<!doctype html><html lang="en"><meta charset="utf-8"><title>latchgate audit</title><style>
:root { color-scheme: light dark } body { font: 15px/1.5 system-ui, sans-serif; max-width: 780px; margin: 40px auto; padding: 0 20px }
h2 { font-size: 18px; margin: 28px 0 4px } b { font-size: 12px; padding: 2px 8px; border-radius: 9px; color: #fff; background: #777; vertical-align: 2px }
b.found { background: #c2452d } b.clean { background: #1f7a72 } table { border-collapse: collapse; font-variant-numeric: tabular-nums }
td, th { text-align: right; padding: 2px 14px 2px 0; font-weight: 400 } td:first-child, th:first-child { text-align: left } th { opacity: .6 }
</style><h1>Audit of ${escaped(target)}</h1><p>${escaped(at)}: ${requests} requests in ${seconds.toFixed(1)} s, seed ${escaped(seed)}.</p>
${findings.map(section).join('\n')}</html>
`;
}

module.exports = { html, text };
