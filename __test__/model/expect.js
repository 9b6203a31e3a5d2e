// Expected answers: plain values, or tests of a value if the contract leaves a choice, such as a time within bounds.
'use strict';

/** A test of a value, with a description for the report. */
class Test {
  /** @param {string} words @param {(value: any) => boolean} holds */
  constructor(words, holds) {
    this.words = words;
    this.holds = holds;
  }
}

/** Tolerance in milliseconds between the clock of the store and the clock of the test. */
const SLACK = 150;

/** @typedef {{ from: number, to: number }} Span the event happened between these times */

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
 * Returns the first difference between an answer and the expected answer, or undefined. Additional members are
 * allowed.
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
