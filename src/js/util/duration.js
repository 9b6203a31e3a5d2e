'use strict';
// Reads durations strictly: whole milliseconds, or a whole number with a unit. Any other value is refused by name.

const UNITS = new Map([
  ['ms', 1],
  ['s', 1000],
  ['m', 60_000],
  ['h', 3_600_000],
  ['d', 86_400_000],
]);

const SECOND = 1000;
const HOUR = 3_600_000;
const YEAR = 365 * 86_400_000;

/**
 * @param {unknown} value
 * @param {string} name of the option, for the message
 * @param {{ min: number, max: number }} range in milliseconds, both ends included
 * @param {(message: string) => Error} fail
 * @returns {number} milliseconds
 */
function duration(value, name, range, fail) {
  const ms = milliseconds(value);
  if (!Number.isSafeInteger(ms)) {
    throw fail(
      `${name} must be a duration: whole milliseconds, or a string such as '250ms', '30s', '15m', '12h', '7d'`,
    );
  }
  if (ms < range.min || ms > range.max) {
    throw fail(`${name} must be between ${readable(range.min)} and ${readable(range.max)}`);
  }
  return ms;
}

/** @param {unknown} value */
function milliseconds(value) {
  if (typeof value === 'number') return value;
  const parts = typeof value === 'string' ? /^(\d{1,16})(ms|s|m|h|d)$/.exec(value) : null;
  return parts === null ? NaN : Number(parts[1]) * /** @type {number} */ (UNITS.get(parts[2]));
}

/** @param {number} ms */
function readable(ms) {
  const [unit, size] = [...UNITS].findLast(([, length]) => ms >= length && ms % length === 0) ?? ['ms', 1];
  return `${ms / size}${unit}`;
}

module.exports = { HOUR, SECOND, YEAR, duration };
