// Shows that two commits differ in comments and message text only. For commits that change the language and nothing else.
//
//   node scripts/check-comments-only.js HEAD~1 HEAD
//   node scripts/check-comments-only.js HEAD~1 HEAD --strings   allows other strings in tests too, and prints each
//   node scripts/check-comments-only.js --self-test        the default without commits
//
// Code must be equal except for white space, trailing commas and the split of a string with `+`. A string may change
//   in tests (JavaScript below __test__ or in a folder `test`): where it names a test, or is the message of an assertion
//   elsewhere: where it is English before and after, which leaves codes and keys alone
// Expressions in template literals and placeholders of Rust must stay. A Rust test may get another name.
// Markdown is not compared. Any other file must be equal, except for the list of check-words.js.
'use strict';

const { execFileSync } = require('node:child_process');
const path = require('node:path');
const { isEnglish, stringsOf } = require('./lib/prose.js');
const { tokenize } = require('./lib/strip.js');

const ROOT = path.join(__dirname, '..');
const NOT_COMPARED = /\.md$|^scripts\/unclean-words\.json$/;

/** @typedef {import('./lib/strip.js').Language} Language */
/** @typedef {{ text: string, line: number, isMessage: boolean }} Value a string; isMessage: a test's name or an assertion's message */
/** @typedef {{ code: string, values: Value[] }} Parts code: with a mark for each string */

/** @param {string} file @returns {Language | undefined} */
function languageOf(file) {
  if (file.endsWith('.rs')) return 'rs';
  if (file.endsWith('.lua')) return 'lua';
  return /\.(?:js|mjs|cjs|ts|mts|cts)$/.test(file) ? 'js' : undefined;
}

/** Of private use, so that no source holds it. */
const MARK = '\uE000';
const NAMES_A_TEST = /^(?:it|test|describe|suite|context)(?:\.\w+)*$/;
/** Index of the message among the arguments of an assertion. @type {Record<string, number>} */
const MESSAGE_AT = { assert: 1, ok: 1, fail: 0, ifError: 1 };

/** @param {string} callee @param {number} index of the argument */
function takesMessage(callee, index) {
  if (NAMES_A_TEST.test(callee) || /^t\.test$/.test(callee)) return index === 0;
  if (!/^(?:assert|t\.assert)(?:\.|$)/.test(callee)) return false;
  return index === (MESSAGE_AT[callee.split('.').at(-1) ?? ''] ?? 2);
}

/** For each place of a string: the call around it, and which argument it is part of. @param {string} code with marks */
function placesOf(code) {
  /** @type {Array<{ callee: string, index: number }>} */
  const stack = [];
  /** @type {boolean[]} */
  const places = [];
  for (let at = 0; at < code.length; at++) {
    const char = code[at] ?? '';
    if (char === MARK) {
      const around = stack.at(-1);
      places.push(around !== undefined && takesMessage(around.callee, around.index));
    } else if ('([{'.includes(char)) {
      const callee = char === '(' ? (/[\w.]+$/.exec(code.slice(Math.max(0, at - 60), at))?.[0] ?? '') : '';
      stack.push({ callee, index: 0 });
    } else if (')]}'.includes(char)) {
      stack.pop();
    } else if (char === ',') {
      const around = stack.at(-1);
      if (around) around.index++;
    }
  }
  return places;
}

/**
 * Expressions in a template literal follow its mark in brackets, so that they are compared as code.
 * @param {string} source
 * @param {Language} language
 * @returns {Parts}
 */
function partsOf(source, language) {
  let code = '';
  let at = 0;
  for (const { kind, start, end, template } of tokenize(source, language)) {
    code += source.slice(at, start);
    at = end;
    const raw = source.slice(start, end);
    if (kind === 'comment') code += ' ';
    else if (kind === 'regex') code += raw;
    else if (!template) code += MARK;
    else code += `${raw.startsWith('`') ? MARK : ']'}${raw.slice(1).endsWith('${') ? '[' : ''}`;
  }
  code += source.slice(at);
  code = code.replaceAll('][', ';').replace(/\s+/g, ' ');
  if (language === 'rs') code = code.replace(/(#\[test\] (?:#\[[^\]]*\] )*(?:pub )?fn )\w+/g, '$1test');
  // Concatenated literals are one string, however they are split.
  code = code.replace(/\uE000(?:(?<!\[)\s*\+\s*\uE000(?!\[))+/g, MARK);
  code = code.replace(/\s*([^\w\s])\s*/g, '$1').replace(/,([)\]}])/g, '$1');
  const isMessage = placesOf(code);
  const values = stringsOf(source, language);
  return {
    code,
    values: values.map(({ text, start }, index) => ({
      text,
      line: source.slice(0, start).split('\n').length,
      isMessage: isMessage[index] ?? false,
    })),
  };
}

/** Placeholders of a Rust format string: named placeholders in any order. @param {string} text */
function placeholders(text) {
  const all = text.replaceAll('{{', '').match(/\{[^{}]*\}/g) ?? [];
  return [
    ...all.filter((each) => /^\{[:}]/.test(each)),
    ...all.filter((each) => !/^\{[:}]/.test(each)).sort(),
  ].join();
}

/**
 * @param {string} file
 * @param {string} before
 * @param {string} after
 * @param {{ strings?: boolean, note?: (text: string) => void }} [options]
 * @returns {string[]} problems
 */
function compare(file, before, after, { strings = false, note = () => {} } = {}) {
  const language = languageOf(file);
  if (language === undefined) return before === after ? [] : [`${file}: differs, and is not source`];
  const [old, now] = [partsOf(before, language), partsOf(after, language)];
  if (old.code !== now.code) {
    let at = 0;
    while (old.code[at] === now.code[at]) at++;
    const around = (/** @type {string} */ code) => JSON.stringify(code.slice(Math.max(0, at - 40), at + 40));
    return [`${file}: the code differs: ${around(old.code)} is now ${around(now.code)}`];
  }
  const isTest = /^(?:__test__|bench\/(?:lab\/)?test)\/.*\.m?js$/.test(file);
  return old.values.flatMap((value, index) => {
    const next = now.values[index];
    if (!next || value.text === next.text) return [];
    const change = `${file}:${next.line}: ${JSON.stringify(value.text)} is now ${JSON.stringify(next.text)}`;
    if (language === 'rs' && placeholders(value.text) !== placeholders(next.text))
      return [`${change}: placeholders differ`];
    if (isTest ? value.isMessage : isEnglish(value.text) && isEnglish(next.text)) return [];
    if (!isTest || !strings) return [`${change}: not a test's name nor a message`];
    note(change);
    return [];
  });
}

/** @param {string[]} args */
const git = (...args) => execFileSync('git', args, { cwd: ROOT, encoding: 'utf8', maxBuffer: 1 << 28 });

/** @param {string} from @param {string} to @param {boolean} strings */
function compareCommits(from, to, strings) {
  const rows = git('diff', '--name-status', '--no-renames', from, to).trim().split('\n').filter(Boolean);
  const problems = rows.flatMap((row) => {
    const [status, file = ''] = row.split('\t');
    if (NOT_COMPARED.test(file)) return [];
    if (status !== 'M') return [`${file}: added or deleted`];
    const texts = [from, to].map((commit) => git('show', `${commit}:${file}`));
    return compare(file, texts[0] ?? '', texts[1] ?? '', { strings, note: (text) => console.log(text) });
  });
  return { problems, count: rows.length };
}

/** File, before, after, and whether more than language differs. @type {Array<[file: string, before: string, after: string, isWrong: boolean]>} */
const PLANTED = [
  ['src/a.js', '// one\nf(1);', '/* two */\nf(\n  1,\n);', false],
  ['src/a.js', 'f(1);', 'f(2);', true],
  ['src/a.js', "f('session_revoked');", "f('session_ended');", true],
  ['src/a.js', "f('the key is here');", "f('the key is absent ' +\n 'from here');", false],
  ['src/a.js', "f('the key is here', a);", "f('the key is absent', b);", true],
  ['src/a.js', 'f(`the key $' + '{a} is here`);', 'f(`here is the key $' + '{a}`);', false],
  ['src/a.js', 'f(`the key $' + '{a} is here`);', 'f(`here is the key $' + '{b}`);', true],
  ['src/a.js', 'f(`the key $' + '{a} is here`);', 'f(`here is the key`);', true],
  ['src/a.js', 'f(/one/);', 'f(/two/);', true],
  ['src/a.js', 'f(a, );', 'f(a, b);', true],
  ['__test__/a.spec.js', "it('lies', () => {});", "it('is here', () => {});", false],
  ['__test__/a.spec.js', "it.skip('lies', () => f('a'));", "it.skip('is here', () => f('b'));", true],
  [
    '__test__/a.spec.js',
    "assert.equal(a, 'b', 'it was here');",
    "assert.equal(\n  a,\n  'b',\n  'it is here',\n);",
    false,
  ],
  ['__test__/a.spec.js', "assert.equal(a, 'b c d', 'x');", "assert.equal(a, 'b c e', 'x');", true],
  ['__test__/a.spec.js', "assert.ok(f(b, 'c'), 'x');", "assert.ok(f(b, 'c'), 'y');", false],
  ['__test__/a.spec.js', "assert.ok(f(b, 'c'), 'x');", "assert.ok(f(b, 'd'), 'x');", true],
  ['__test__/a.spec.js', "const NAMES = ['the key lies here'];", "const NAMES = ['the key is here'];", true],
  ['src/a.rs', '/// One.\nfn f() { g("a b c", 1) }', '/// Two.\nfn f() {\n    g("a b d", 1)\n}', false],
  ['src/a.rs', 'panic!("the {key} lies here")', 'panic!("here is the {key} now")', false],
  ['src/a.rs', 'panic!("the {key} lies here")', 'panic!("here is the {name} now")', true],
  ['src/a.rs', '#[test]\nfn lies() { f() }', '#[test]\nfn is_here() { f() }', false],
  ['src/a.rs', 'fn lies() { f() }', 'fn is_here() { f() }', true],
  ['src/a.lua', '-- One\nreturn a', '--[[ Two\n]]\nreturn a', false],
  ['src/a.lua', '-- One\nreturn a', '-- One\nreturn b', true],
  ['package.json', '{}', '{ }', true],
];

function selfTest() {
  return PLANTED.flatMap(([file, before, after, isWrong]) =>
    compare(file, before, after).length > 0 === isWrong
      ? []
      : [`${isWrong ? 'not seen' : 'wrongly refused'}: ${file}: ${before} is now ${after}`],
  );
}

if (require.main === module) {
  const args = process.argv.slice(2);
  const [from, to] = args.filter((arg) => !arg.startsWith('--'));
  // Without commits there is nothing to compare.
  const selfTesting = args.includes('--self-test') || from === undefined || to === undefined;
  const { problems, count } = selfTesting
    ? { problems: selfTest(), count: PLANTED.length }
    : compareCommits(String(from), String(to), args.includes('--strings'));
  for (const problem of problems) console.error(problem);
  if (problems.length > 0) process.exitCode = 1;
  else
    console.log(
      selfTesting
        ? `all ${count} planted changes are judged right`
        : `${count} files differ in comments and messages only`,
    );
}
