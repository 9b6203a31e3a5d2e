// Reads the text exposition format of Prometheus, version 0.0.4, and takes nothing that a strict reader would not: every family
// with HELP and TYPE before its samples, in one block, no series twice, counters by their suffix, buckets that add up.
'use strict';

const assert = require('node:assert/strict');

const NAME = '[a-z][a-z0-9_]*';
const SAMPLE = new RegExp(
  `^(${NAME})(?:\\{(${NAME}="[^"\\\\\\n]*"(?:,${NAME}="[^"\\\\\\n]*")*)\\})? (\\S+)$`,
);

/**
 * @param {string} text
 * @returns {Map<string, number>} by series, as it is written
 */
function parse(text) {
  assert.ok(text.endsWith('\n'), 'the last line ends');
  /** @type {Map<string, number>} */
  const series = new Map();
  const families = new Set();
  const blocks = text.split(/^(?=# HELP )/m);
  for (const block of blocks) {
    const [help, type, ...samples] = block.trimEnd().split('\n');
    const name = new RegExp(`^# HELP (${NAME}) \\S.*$`).exec(help)?.[1] ?? assert.fail(help);
    const kind =
      new RegExp(`^# TYPE ${name} (counter|gauge|histogram)$`).exec(type)?.[1] ?? assert.fail(type);
    assert.ok(!families.has(name), `${name} comes twice`);
    families.add(name);
    assert.equal(name.endsWith('_total'), kind === 'counter', name);
    for (const line of samples) {
      const [, own = assert.fail(line), labels = '', value = ''] = SAMPLE.exec(line) ?? [];
      assert.match(own, new RegExp(kind === 'histogram' ? `^${name}_(bucket|sum|count)$` : `^${name}$`));
      assert.ok(Number.isFinite(Number(value)) && value !== '' && Number(value) >= 0, line);
      const key = labels === '' ? own : `${own}{${labels}}`;
      assert.ok(!series.has(key), `${key} comes twice`);
      series.set(key, Number(value));
    }
    if (kind === 'histogram') checkBuckets(name, series);
  }
  return series;
}

/** @param {string} name @param {Map<string, number>} series */
function checkBuckets(name, series) {
  let [before, bound] = [0, Number.NEGATIVE_INFINITY];
  for (const [key, count] of series) {
    const le = new RegExp(`^${name}_bucket\\{le="(.+)"\\}$`).exec(key)?.[1];
    if (le === undefined) continue;
    const next = le === '+Inf' ? Number.POSITIVE_INFINITY : Number(le);
    assert.ok(next > bound && count >= before, key);
    [before, bound] = [count, next];
  }
  assert.equal(bound, Number.POSITIVE_INFINITY);
  assert.equal(series.get(`${name}_count`), before);
  assert.ok(series.has(`${name}_sum`));
}

/**
 * What has come to a series since, for each that has changed.
 * @param {string} before
 * @param {string} after
 * @returns {Record<string, number>}
 */
function changes(before, after) {
  const old = parse(before);
  const changed = [...parse(after)].filter(([key, value]) => value !== old.get(key));
  return Object.fromEntries(changed.map(([key, value]) => [key, value - (old.get(key) ?? 0)]));
}

module.exports = { changes, parse };
