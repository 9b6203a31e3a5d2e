'use strict';
// Pictures of a report, as SVG: shares of violations by load, waits by load, and the course of one race.

const WIDTH = 320;
const HEIGHT = 190;
const LEFT = 52;
const RIGHT = 10;
const TOP = 18;
const BOTTOM = 28;

/** @param {unknown} text */
const escaped = (text) => String(text).replace(/[&<>"]/g, (char) => `&#${char.charCodeAt(0)};`);

/** @param {number} value */
const digits = (value) =>
  value === 0 ? '0' : value >= 10 ? value.toFixed(0) : `${Number(value.toPrecision(2))}`;

/** @param {number} ms */
const span = (ms) => (ms >= 1000 ? `${digits(ms / 1000)} s` : `${digits(ms)} ms`);

/** A round number that is not less. @param {number} value */
function ceiling(value) {
  const unit = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 2.5, 5, 10].map((factor) => factor * unit).find((each) => each >= value) ?? value;
}

/**
 * @param {string} name for those who do not see it
 * @param {number} height
 * @param {string[]} parts
 * @param {number} [width]
 */
const svg = (name, height, parts, width = WIDTH) =>
  `<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${escaped(name)}">${parts.join('')}</svg>`;

/** @param {number} x @param {number} y @param {unknown} text @param {string} [classes] */
const label = (x, y, text, classes = '') =>
  `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" class="${classes}">${escaped(text)}</text>`;

/**
 * Lines across, with what they stand for.
 * @param {number[]} marks
 * @param {(value: number) => number} y
 * @param {(mark: number) => string} text
 */
const grid = (marks, y, text) =>
  marks.map(
    (mark) =>
      `<line class="grid" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${y(mark).toFixed(1)}" y2="${y(mark).toFixed(1)}"/>${label(LEFT - 6, y(mark) + 3.5, text(mark), 'end')}`,
  );

/**
 * @typedef {object} Bar
 * @property {number} rate
 * @property {number} processes
 * @property {number} share per cent
 * @property {number} count
 */

/**
 * How much goes wrong, by load: a bar for one process, and one for several.
 * @param {Bar[]} bars
 */
function shares(bars) {
  const rates = [...new Set(bars.map(({ rate }) => rate))];
  const most = Math.max(...bars.map(({ share }) => share));
  const top = most === 0 ? 1 : ceiling(most);
  const y = (/** @type {number} */ value) => HEIGHT - BOTTOM - (value / top) * (HEIGHT - TOP - BOTTOM);
  const slot = (WIDTH - LEFT - RIGHT) / rates.length;
  const wide = Math.min(22, slot / 2 - 4);
  const parts = grid([0, top / 2, top], y, (mark) => `${digits(mark)} %`);
  for (const [at, rate] of rates.entries()) {
    const middle = LEFT + slot * (at + 0.5);
    parts.push(label(middle, HEIGHT - 10, `${rate}/s`, 'middle'));
    const here = bars.filter((bar) => bar.rate === rate).sort((a, b) => a.processes - b.processes);
    for (const [index, { processes, share, count }] of here.entries()) {
      const x = middle + (index - here.length / 2) * (wide + 3) + 1.5;
      const height = share === 0 ? 0 : Math.max(1, HEIGHT - BOTTOM - y(share));
      const kind = processes === 1 ? 'one' : 'many';
      parts.push(
        `<rect class="${kind}" x="${x.toFixed(1)}" y="${(HEIGHT - BOTTOM - height).toFixed(1)}" width="${wide.toFixed(1)}" height="${height.toFixed(1)}" rx="2"><title>${count} with ${processes} ${processes === 1 ? 'process' : 'processes'}: ${share.toFixed(2)} %</title></rect>`,
        label(x + wide / 2, HEIGHT - BOTTOM - height - 4, count, 'middle small'),
      );
    }
  }
  return svg('violations by load', HEIGHT, parts);
}

/**
 * @typedef {object} Curve
 * @property {string} tone of its colour
 * @property {string} name
 * @property {boolean} band whether there is one, from the median to the 99th percentile
 * @property {Array<{ at: number, p50: number, p95: number, p99: number }>} points
 */

/**
 * Waits by load or by whatever grows, on a scale of powers of ten: the 95th percentile as a line.
 * @param {Curve[]} curves
 * @param {(at: number) => string} [mark] what stands below
 */
function waits(curves, mark = String) {
  const all = curves.flatMap(({ points }) => points);
  const places = [...new Set(all.map(({ at }) => at))].sort((a, b) => a - b);
  const low = Math.floor(Math.log10(Math.max(0.1, Math.min(...all.map(({ p50 }) => p50)))));
  const high = Math.max(low + 1, Math.ceil(Math.log10(Math.max(0.2, ...all.map(({ p99 }) => p99)))));
  const y = (/** @type {number} */ ms) => {
    const part = (Math.log10(Math.max(ms, 10 ** low)) - low) / (high - low);
    return HEIGHT - BOTTOM - part * (HEIGHT - TOP - BOTTOM);
  };
  const [first, last] = [Math.min(...places), Math.max(...places)];
  const from = LEFT + 14;
  // One alone stands in the middle.
  const x = (/** @type {number} */ at) =>
    from + (last === first ? 0.5 : (at - first) / (last - first)) * (WIDTH - RIGHT - 14 - from);
  const marks = Array.from({ length: high - low + 1 }, (_, power) => 10 ** (low + power));
  const parts = grid(marks, y, span);
  let written = -Infinity;
  for (const at of places) {
    // Where two are too near to be read, the first is told.
    if (x(at) - written < 30) continue;
    written = x(at);
    parts.push(label(x(at), HEIGHT - 10, mark(at), 'middle'));
  }
  const point = (/** @type {number} */ at, /** @type {number} */ ms) =>
    `${x(at).toFixed(1)},${y(ms).toFixed(1)}`;
  for (const { tone, band, points } of curves) {
    const upper = points.map(({ at, p99 }) => point(at, p99));
    const lower = points.toReversed().map(({ at, p50 }) => point(at, p50));
    if (band) parts.push(`<polygon class="band ${tone}" points="${[...upper, ...lower].join(' ')}"/>`);
  }
  for (const { tone, name, points } of curves)
    parts.push(
      `<polyline class="line ${tone}" points="${points.map(({ at, p95 }) => point(at, p95)).join(' ')}"/>`,
      ...points.map(
        ({ at, p50, p95, p99 }) =>
          `<circle class="dot ${tone}" cx="${x(at).toFixed(1)}" cy="${y(p95).toFixed(1)}" r="3"><title>${escaped(name)}, ${escaped(mark(at))}: p50 ${p50.toFixed(1)}, p95 ${p95.toFixed(1)}, p99 ${p99.toFixed(1)} ms</title></circle>`,
      ),
    );
  return svg('waits', HEIGHT, parts);
}

/**
 * One race, as the client saw it: each request from when it was sent until it was answered.
 * @param {import('./app.js').Caught} caught
 */
function course({ requests }) {
  const wide = 760;
  const row = 24;
  const height = TOP + requests.length * row + BOTTOM;
  const last = Math.max(...requests.map(({ done }) => done), 0.1);
  const from = 80;
  const x = (/** @type {number} */ ms) => from + (ms / last) * (wide - from - 60);
  const parts = [0, last / 2, last].map(
    (mark) =>
      `<line class="grid" x1="${x(mark).toFixed(1)}" x2="${x(mark).toFixed(1)}" y1="${TOP - 6}" y2="${height - BOTTOM + 4}"/>${label(x(mark), height - 10, span(mark), 'middle')}`,
  );
  for (const [at, { label: kind, sent, done, status, culprit }] of requests.entries()) {
    const y = TOP + at * row;
    const tone = culprit ? 'culprit' : 'ordinary';
    parts.push(
      label(from - 10, y + 13, kind, 'end'),
      `<rect class="${tone}" x="${x(sent).toFixed(1)}" y="${y}" width="${Math.max(3, x(done) - x(sent)).toFixed(1)}" height="17" rx="3"/>`,
      label(Math.max(x(done), x(sent) + 3) + 7, y + 13, status === 0 ? 'none' : status, ''),
    );
  }
  return svg('the course of one race', height, parts, wide);
}

module.exports = { course, escaped, shares, waits };
