'use strict';
// Metrics as text, in the exposition format of Prometheus, version 0.0.4.

/**
 * @typedef {import('./metrics.js').Family} Family
 * @typedef {import('./metrics.js').Sample} Sample
 */

/** @param {Family[]} families @returns {string} */
function prometheusText(families) {
  return families.map(block).join('');
}

/** @param {Family} family */
function block(family) {
  const name = seriesName(family);
  const lines = family.histogram === undefined ? family.samples.map(series(name)) : buckets(name, family);
  return `# HELP ${name} ${family.help}\n# TYPE ${name} ${family.type}\n${lines.join('')}`;
}

/** @param {Family} family */
function seriesName({ name, type, unit }) {
  return ['latchgate', name, unit, type === 'counter' ? 'total' : undefined].filter(Boolean).join('_');
}

/** @param {string} name */
function series(name) {
  return (/** @type {Sample} */ { labels, value }) => {
    // Values come from lists in this package: there is nothing in them to be escaped.
    const pairs = Object.entries(labels).map(([label, text]) => `${label}="${text}"`);
    return `${name}${pairs.length === 0 ? '' : `{${pairs.join(',')}}`} ${value}\n`;
  };
}

/** @param {string} name @param {Family} family */
function buckets(name, { histogram }) {
  const { bounds, counts, sum } = /** @type {NonNullable<Family['histogram']>} */ (histogram);
  let count = 0;
  const lines = [...bounds, '+Inf'].map((le, at) => {
    count += counts[at];
    return `${name}_bucket{le="${le}"} ${count}\n`;
  });
  return [...lines, `${name}_sum ${sum}\n`, `${name}_count ${count}\n`];
}

module.exports = { prometheusText };
