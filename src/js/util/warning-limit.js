'use strict';
// The rate of process warnings: what a client or an endpoint can cause again and again must not fill the log.

/** Most warnings of one code per minute, including the warning that counts the others. */
const MOST = 10;
const MINUTE_MS = 60_000;

/** The minutes under way, by code. @type {Map<string, { told: number, leftOut: number }>} */
const minutes = new Map();

/**
 * Emits a warning, unless its code has had its share of this minute. The end of the minute says how many were left out.
 * @param {{ code: string, text: string, detail?: string }} warning
 */
function warnAtMost({ code, text, detail }) {
  const minute = minutes.get(code) ?? begin(code);
  if (minute.told === MOST) {
    minute.leftOut++;
    return;
  }
  minute.told++;
  process.emitWarning(text, { type: 'LatchgateWarning', code, detail });
}

/** @param {string} code */
function begin(code) {
  const minute = { told: 0, leftOut: 0 };
  minutes.set(code, minute);
  setTimeout(end, MINUTE_MS, code, minute).unref();
  return minute;
}

/**
 * @param {string} code
 * @param {{ leftOut: number }} minute
 */
function end(code, { leftOut }) {
  minutes.delete(code);
  const text = `${leftOut} more warnings of this code were left out in the last minute`;
  if (leftOut > 0) warnAtMost({ code, text });
}

exports.warnAtMost = warnAtMost;
