// Expected answers: plain values, or tests of a value where the contract leaves room, such as an instant within bounds.
'use strict';

/** A test of a value, with words for the report. */
class Test {
  /** @param {string} words @param {(value: any) => boolean} holds */
  constructor(words, holds) {
    this.words = words;
    this.holds = holds;
  }
}

/** Instants come from a clock that may be read a little before or after ours. */
const SLACK = 150;

/** @typedef {{ from: number, to: number }} Span between which instants something happened */

/** @param {Span} span @param {number} [offset] */
const instant = ({ from, to }, offset = 0) =>
  new Test(
    `an instant from ${from + offset} to ${to + offset}`,
    (value) => Number.isInteger(value) && value >= from + offset - SLACK && value <= to + offset + SLACK,
  );

/** @param {Array<any>} values */
const oneOf = (...values) =>
  new Test(
    `one of ${values.map((value) => (value instanceof Test ? value.words : JSON.stringify(value))).join(', ')}`,
    (value) => values.some((expected) => differ(expected, value) === undefined),
  );

const text = new Test('a text', (value) => typeof value === 'string' && value !== '');

/** @param {number} most */
const duration = (most) =>
  new Test(`0 to ${most} ms`, (value) => Number.isFinite(value) && value >= 0 && value <= most + SLACK);

/**
 * Where an answer is not what was expected, or undefined. Members beyond the expected ones are allowed.
 * @param {any} expected
 * @param {any} actual
 * @param {string} [at]
 * @returns {string | undefined}
 */
function differ(expected, actual, at = 'the answer') {
  if (expected instanceof Test)
    return expected.holds(actual) ? undefined : `${at} is ${JSON.stringify(actual)}, not ${expected.words}`;
  if (typeof expected !== 'object' || expected === null)
    return Object.is(expected, actual)
      ? undefined
      : `${at} is ${JSON.stringify(actual)}, not ${JSON.stringify(expected)}`;
  if (typeof actual !== 'object' || actual === null)
    return `${at} is ${JSON.stringify(actual)}, not an object`;
  if (Array.isArray(expected) && expected.length !== actual.length)
    return `${at} has ${actual.length} members, not ${expected.length}: ${JSON.stringify(actual)}`;
  for (const [key, value] of Object.entries(expected)) {
    const found = differ(value, actual[key], `${at}.${key}`);
    if (found !== undefined) return found;
  }
  return undefined;
}

module.exports = { differ, duration, instant, oneOf, text };
