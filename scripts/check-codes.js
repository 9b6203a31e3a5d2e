// Codes are defined once, in src/core; this holds everything that repeats them to that source.
// Error codes: the same set in Rust, in the typings, in the docs and in errors.js.
// Reasons and denial codes: each in the docs, the denial codes with their status, and each denial code in the typings.
// With --self-test it takes one code away from each place, and adds one, and fails where that is not seen.
'use strict';

const fs = require('node:fs');
const path = require('node:path');
const { read } = require('./lib/files.js');

const FAULTS = 'src/core/error.rs';
const REASONS = 'src/core/reason.rs';
const TYPINGS = 'index.d.ts';
const DOCS = 'docs/error-codes.md';
const ERRORS_JS = 'src/js/errors.js';

/** @typedef {Record<string, string>} Texts file name -> text */

/** @param {string | undefined} text */
const faultCodes = (text) => new Set((text ?? '').match(/ERR_LATCHGATE_[A-Z]+(?:_[A-Z]+)*/g) ?? []);

/** Rows such as ("token_expired", "invalid_token", 401). @param {string | undefined} text */
const denials = (text) =>
  [...(text ?? '').matchAll(/\(\s*"([a-z_]+)",\s*"([a-z_]+)",\s*(\d{3}),?\s*\)/g)]
    .map(([, reason = '', code = '', status = '']) => ({ reason, code, status }))
    .filter(({ code }) => code !== 'allowed');

/** @param {string} text @param {string} word */
const mentions = (text, word) => new RegExp(`(?<![a-z_])${word}(?![a-z_])`).test(text);

/** @param {Texts} texts @returns {string[]} */
function compare(texts) {
  const problems = [];
  const source = faultCodes(texts[FAULTS]);
  if (source.size === 0) problems.push(`${FAULTS}: no ERR_LATCHGATE_ code found`);
  for (const file of [TYPINGS, DOCS, ERRORS_JS]) {
    const here = faultCodes(texts[file]);
    for (const code of source) if (!here.has(code)) problems.push(`${file}: ${code} is missing`);
    for (const code of here) if (!source.has(code)) problems.push(`${file}: ${code} is not in ${FAULTS}`);
  }

  const rows = denials(texts[REASONS]);
  if (rows.length === 0) problems.push(`${REASONS}: no (reason, code, status) found`);
  const docs = texts[DOCS] ?? '';
  const docLines = docs.split('\n');
  for (const { reason, code, status } of rows) {
    if (!mentions(docs, reason)) problems.push(`${DOCS}: reason ${reason} is missing`);
    if (!docLines.some((line) => mentions(line, code) && line.includes(status)))
      problems.push(`${DOCS}: no line has ${code} with its status ${status}`);
    if (!mentions(texts[TYPINGS] ?? '', code)) problems.push(`${TYPINGS}: denial code ${code} is missing`);
  }
  return [...new Set(problems)];
}

/** @param {Texts} texts @returns {string[]} */
function selfTest(texts) {
  const missed = compare(texts).map((problem) => `not clean to begin with: ${problem}`);
  const code = [...faultCodes(texts[FAULTS])][0] ?? '';
  const { reason = '', code: denial = '' } = denials(texts[REASONS])[0] ?? {};
  /** @type {Array<[string, RegExp, string]>} */
  const removals = [
    [FAULTS, new RegExp(code, 'g'), code],
    [TYPINGS, new RegExp(code, 'g'), code],
    [DOCS, new RegExp(code, 'g'), code],
    [ERRORS_JS, new RegExp(code, 'g'), code],
    [DOCS, new RegExp(reason, 'g'), reason],
    [DOCS, new RegExp(denial, 'g'), denial],
    [TYPINGS, new RegExp(denial, 'g'), denial],
  ];
  for (const [file, pattern, word] of removals) {
    const changed = { ...texts, [file]: (texts[file] ?? '').replace(pattern, 'taken_away') };
    if (!compare(changed).some((problem) => problem.includes(word)))
      missed.push(`not seen: ${word} taken away from ${file}`);
  }
  for (const file of [TYPINGS, DOCS, ERRORS_JS]) {
    const changed = { ...texts, [file]: `${texts[file]}\nERR_LATCHGATE_INVENTED\n` };
    if (!compare(changed).some((problem) => problem.includes('INVENTED')))
      missed.push(`not seen: a code invented in ${file}`);
  }
  return missed;
}

if (require.main === module) {
  const root = path.join(__dirname, '..');
  const texts = Object.fromEntries(
    [FAULTS, REASONS, TYPINGS, DOCS, ERRORS_JS].map((file) => [
      file,
      fs.existsSync(path.join(root, file)) ? read(root, file) : '',
    ]),
  );
  const selfTesting = process.argv.includes('--self-test');
  const problems = selfTesting ? selfTest(texts) : compare(texts);
  for (const problem of problems) console.error(problem);
  if (problems.length > 0) process.exitCode = 1;
  else if (selfTesting) console.log('every code taken away or invented is seen');
  else
    console.log(
      `${faultCodes(texts[FAULTS]).size} error codes and ${denials(texts[REASONS]).length} reasons agree`,
    );
}
