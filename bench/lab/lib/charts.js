'use strict';
// Pictures of a report, as SVG: shares of violations by load, waits by load, and the course of one race.

const WIDTH = 360;
const HEIGHT = 190;
const LEFT = 58;
const RIGHT = 12;
const TOP = 16;
const BOTTOM = 30;

/** @param {unknown} text */
const escaped = (text) => String(text).replace(/[&<>"]/g, (char) => `&#${char.charCodeAt(0)};`);

/** @param {number} value */
const digits = (value) => (value === 0 ? '0' : value >= 10 ? value.toFixed(0) : value.toPrecision(2));

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
 * @param {string} unit
 */
const grid = (marks, y, unit) =>
  marks.map(
    (mark) =>
      `<line class="grid" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${y(mark).toFixed(1)}" y2="${y(mark).toFixed(1)}"/>${label(LEFT - 6, y(mark) + 3.5, `${digits(mark)}${unit}`, 'end')}`,
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
  const wide = Math.min(26, slot / 3);
  const parts = grid([0, top / 2, top], y, ' %');
  for (const [at, rate] of rates.entries()) {
    const middle = LEFT + slot * (at + 0.5);
    parts.push(label(middle, HEIGHT - 12, `${rate}/s`, 'middle'));
    const here = bars.filter((bar) => bar.rate === rate).sort((a, b) => a.processes - b.processes);
    for (const [index, { processes, share, count }] of here.entries()) {
      const x = middle + (index - here.length / 2) * (wide + 3) + 1.5;
      const height = Math.max(share === 0 ? 0 : 1, HEIGHT - BOTTOM - y(share));
      const kind = processes === 1 ? 'one' : 'many';
      parts.push(
        `<rect class="${kind}" x="${x.toFixed(1)}" y="${(HEIGHT - BOTTOM - height).toFixed(1)}" width="${wide.toFixed(1)}" height="${height.toFixed(1)}" rx="2"><title>${count} with ${processes} ${processes === 1 ? 'process' : 'processes'}</title></rect>`,
        label(x + wide / 2, HEIGHT - BOTTOM - height - 4, count, 'middle small'),
      );
    }
  }
  return svg('violations by load', HEIGHT, parts);
}

/**
 * @typedef {object} Curve
 * @property {string} form
 * @property {Array<{ rate: number, p50: number, p95: number, p99: number }>} points
 */

/**
 * Waits by load, on a scale of powers of ten: the 95th percentile as a line, from the median to the 99th as a band.
 * @param {Curve[]} curves
 */
function waits(curves) {
  const all = curves.flatMap(({ points }) => points);
  const rates = all.map(({ rate }) => rate);
  const low = Math.floor(Math.log10(Math.max(0.1, Math.min(...all.map(({ p50 }) => p50)))));
  const high = Math.max(low + 1, Math.ceil(Math.log10(Math.max(...all.map(({ p99 }) => p99)))));
  const y = (/** @type {number} */ ms) => {
    const part = (Math.log10(Math.max(ms, 10 ** low)) - low) / (high - low);
    return HEIGHT - BOTTOM - part * (HEIGHT - TOP - BOTTOM);
  };
  const [first, last] = [Math.min(...rates), Math.max(...rates)];
  const span = Math.max(1, last - first);
  const x = (/** @type {number} */ rate) => LEFT + 14 + ((rate - first) / span) * (WIDTH - LEFT - RIGHT - 28);
  const marks = Array.from({ length: high - low + 1 }, (_, power) => 10 ** (low + power));
  const parts = grid(marks, y, ' ms');
  for (const rate of new Set(rates)) parts.push(label(x(rate), HEIGHT - 12, rate, 'middle'));
  for (const { form, points } of curves) {
    const at = (/** @type {number} */ rate, /** @type {number} */ ms) =>
      `${x(rate).toFixed(1)},${y(ms).toFixed(1)}`;
    const upper = points.map(({ rate, p99 }) => at(rate, p99));
    const lower = points.toReversed().map(({ rate, p50 }) => at(rate, p50));
    parts.push(
      `<polygon class="band ${form}" points="${[...upper, ...lower].join(' ')}"/>`,
      `<polyline class="line ${form}" points="${points.map(({ rate, p95 }) => at(rate, p95)).join(' ')}"/>`,
      ...points.map(
        ({ rate, p50, p95, p99 }) =>
          `<circle class="dot ${form}" cx="${x(rate).toFixed(1)}" cy="${y(p95).toFixed(1)}" r="3"><title>${form}, ${rate}/s: p50 ${p50.toFixed(1)}, p95 ${p95.toFixed(1)}, p99 ${p99.toFixed(1)} ms</title></circle>`,
      ),
    );
  }
  return svg('waits by load', HEIGHT, parts);
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
  const from = 110;
  const x = (/** @type {number} */ ms) => from + (ms / last) * (wide - from - 90);
  const parts = [0, last / 2, last].map(
    (mark) =>
      `<line class="grid" x1="${x(mark).toFixed(1)}" x2="${x(mark).toFixed(1)}" y1="${TOP - 6}" y2="${height - BOTTOM + 4}"/>${label(x(mark), height - 10, `${digits(mark)} ms`, 'middle')}`,
  );
  for (const [at, { label: kind, sent, done, status }] of requests.entries()) {
    const y = TOP + at * row;
    const tone = at === requests.length - 1 ? 'culprit' : 'ordinary';
    parts.push(
      label(from - 10, y + 13, kind, 'end'),
      `<rect class="${tone}" x="${x(sent).toFixed(1)}" y="${y}" width="${Math.max(3, x(done) - x(sent)).toFixed(1)}" height="17" rx="3"/>`,
      label(Math.max(x(done), x(sent) + 3) + 7, y + 13, status, ''),
    );
  }
  return svg('the course of one race', height, parts, wide);
}

module.exports = { course, escaped, shares, waits };
