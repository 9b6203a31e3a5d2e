// Codes are defined once, in src/core; this holds everything that repeats them to that source.
// Error codes: the same set in Rust, in the typings, in the docs and in errors.js.
// Reasons and denial codes: each in the docs, the denial codes with their status, and each denial code in the typings.
// Why a refresh is refused: the same in the binding and in the typings, each with a row in the docs.
// Process warnings: the same set in src/js and in the docs. Every row of a table of codes in the docs says what to do about it.
// With --self-test it takes one code away from each place, and adds one, and fails where that is not seen.
'use strict';

const fs = require('node:fs');
const path = require('node:path');
const { list, read } = require('./lib/files.js');

const FAULTS = 'src/core/base/error.rs';
const REASONS = 'src/core/base/reason.rs';
const TYPINGS = 'index.d.ts';
const DOCS = 'docs/error-codes.md';
const ERRORS_JS = 'src/js/util/errors.js';
const REFUSALS = 'src/binding/runtime/token_steps.rs';
/** The code that emits process warnings: the text of all files of src/js. */
const FACE = 'src/js';

/** @typedef {Record<string, string>} Texts file name -> text */

/** @param {string | undefined} text */
const faultCodes = (text) => new Set((text ?? '').match(/ERR_LATCHGATE_[A-Z]+(?:_[A-Z]+)*/g) ?? []);

/** Rows such as ("token_expired", "invalid_token", 401). @param {string | undefined} text */
const denials = (text) =>
  [...(text ?? '').matchAll(/\(\s*"([a-z_]+)",\s*"([a-z_]+)",\s*(\d{3}),?\s*\)/g)]
    .map(([, reason = '', code = '', status = '']) => ({ reason, code, status }))
    .filter(({ code }) => code !== 'allowed');

/** Rows such as RefreshAnswer::Invalid => refused("invalid", None). @param {string | undefined} text */
const refusals = (text) =>
  new Set([...(text ?? '').matchAll(/refused\("([a-z]+)"/g)].map(([, reason]) => reason));

/** Returns the reasons for which a refresh may be refused, from the types. @param {string | undefined} text */
const typedRefusals = (text) => {
  const [, union = ''] = /\{ ok: false; reason: ((?:'[a-z]+'(?: \| )?)+) \}/.exec(text ?? '') ?? [];
  return new Set([...union.matchAll(/[a-z]+/g)].map(([reason]) => reason));
};

/** Codes of process warnings, as they are emitted: `code: 'LATCHGATE_STORE'`. @param {string | undefined} text */
const emitted = (text) =>
  new Set([...(text ?? '').matchAll(/code: '(LATCHGATE_[A-Z_]+)'/g)].map(([, code]) => code));

/** Tables of the docs: their rows, cell by cell, the head first. @param {string} text @returns {string[][][]} */
const tables = (text) =>
  [...text.matchAll(/(?:^\|.*\n)+/gm)].map(([table]) =>
    table
      .trimEnd()
      .split('\n')
      .map((line) =>
        line
          .split(/(?<!\\)\|/)
          .slice(1, -1)
          .map((cell) => cell.trim()),
      ),
  );

/** The codes that begin a row. @param {string} docs */
const rowsOf = (docs) =>
  new Set(
    tables(docs).flatMap((rows) => rows.flatMap(([first = '']) => first.match(/(?<=`)\w+(?=`)/g) ?? [])),
  );

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
  problems.push(...compareRefusals(texts), ...compareWarnings(texts), ...cureless(docs));
  return [...new Set(problems)];
}

/** @param {Texts} texts @returns {string[]} */
function compareRefusals(texts) {
  const [source, typed] = [refusals(texts[REFUSALS]), typedRefusals(texts[TYPINGS])];
  const rows = rowsOf(texts[DOCS] ?? '');
  const problems = source.size === 0 ? [`${REFUSALS}: no reason of a refused refresh found`] : [];
  for (const reason of source) {
    if (!typed.has(reason)) problems.push(`${TYPINGS}: a refresh may be refused as ${reason}`);
    if (!rows.has(reason)) problems.push(`${DOCS}: no row for the refusal ${reason}`);
  }
  for (const reason of typed)
    if (!source.has(reason)) problems.push(`${TYPINGS}: no refresh is refused as ${reason}`);
  return problems;
}

/** @param {Texts} texts @returns {string[]} */
function compareWarnings(texts) {
  const source = emitted(texts[FACE]);
  const told = new Set([...rowsOf(texts[DOCS] ?? '')].filter((code) => code.startsWith('LATCHGATE_')));
  const problems = source.size === 0 ? [`${FACE}: no process warning found`] : [];
  for (const code of source) if (!told.has(code)) problems.push(`${DOCS}: no row for the warning ${code}`);
  for (const code of told) if (!source.has(code)) problems.push(`${DOCS}: ${code} is emitted nowhere`);
  return problems;
}

/** @param {string} docs @returns {string[]} */
function cureless(docs) {
  return tables(docs).flatMap(([head = [], , ...rows]) => {
    if (!['code', 'reason'].includes(head[0])) return [];
    if (head.at(-1) !== 'cure') return [`${DOCS}: a table of ${head[0]}s has no column of cures`];
    const bare = rows.filter((row) => row.length !== head.length || row.at(-1) === '');
    return bare.map(([first]) => `${DOCS}: no cure for ${first}`);
  });
}

/** @param {Texts} texts @returns {string[]} */
function selfTest(texts) {
  const missed = compare(texts).map((problem) => `not clean at the start: ${problem}`);
  const code = [...faultCodes(texts[FAULTS])][0] ?? '';
  const { reason = '', code: denial = '' } = denials(texts[REASONS])[0] ?? {};
  const refusal = 'reused';
  const warning = [...emitted(texts[FACE])][0] ?? '';
  /** @type {Array<[string, RegExp, string]>} */
  const removals = [
    [FAULTS, new RegExp(code, 'g'), code],
    [TYPINGS, new RegExp(code, 'g'), code],
    [DOCS, new RegExp(code, 'g'), code],
    [ERRORS_JS, new RegExp(code, 'g'), code],
    [DOCS, new RegExp(reason, 'g'), reason],
    [DOCS, new RegExp(denial, 'g'), denial],
    [TYPINGS, new RegExp(denial, 'g'), denial],
    [REFUSALS, new RegExp(refusal, 'g'), refusal],
    [TYPINGS, new RegExp(refusal, 'g'), refusal],
    [DOCS, new RegExp(refusal, 'g'), refusal],
    [FACE, new RegExp(warning, 'g'), warning],
    [DOCS, new RegExp(warning, 'g'), warning],
  ];
  for (const [file, pattern, word] of removals) {
    const changed = { ...texts, [file]: (texts[file] ?? '').replace(pattern, 'taken_away') };
    if (!compare(changed).some((problem) => problem.includes(word)))
      missed.push(`not seen: ${word} removed from ${file}`);
  }
  const cure = /(?<=^\| `token_expired` \|.*\| )refresh(?= \|$)/m;
  for (const [pattern, word] of /** @type {Array<[RegExp, string]>} */ ([
    [cure, 'token_expired'],
    [/ cure \|$/m, 'column'],
  ])) {
    const changed = { ...texts, [DOCS]: (texts[DOCS] ?? '').replace(pattern, '') };
    if (!compare(changed).some((problem) => problem.includes(word)))
      missed.push(`not seen: a cure removed from ${DOCS} (${word})`);
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
    [FAULTS, REASONS, TYPINGS, DOCS, ERRORS_JS, REFUSALS].map((file) => [
      file,
      fs.existsSync(path.join(root, file)) ? read(root, file) : '',
    ]),
  );
  texts[FACE] = list(root, FACE, ['.js'])
    .map((file) => read(root, file))
    .join('\n');
  const selfTesting = process.argv.includes('--self-test');
  const problems = selfTesting ? selfTest(texts) : compare(texts);
  for (const problem of problems) console.error(problem);
  if (problems.length > 0) process.exitCode = 1;
  else if (selfTesting) console.log('every removed or invented code is seen');
  else
    console.log(
      `${faultCodes(texts[FAULTS]).size} error codes, ${denials(texts[REASONS]).length} reasons and ${emitted(texts[FACE]).size} warnings agree`,
    );
}
