// Checks the storeys and folders: which part of the code may import which other part, that no circle of files or folders
// exists, that no folder has too many files, and that a long file has a reason.
//
//   node scripts/check-imports.js               prints each known circle, and fails on a violation that is not known
//   node scripts/check-imports.js --write-list  writes scripts/known-imports.json; a list that would grow is refused
//   node scripts/check-imports.js --write-list --moved   the same after files were moved: the list may grow
//   node scripts/check-imports.js --self-test   plants one violation of each rule, and fails if one is not seen
//
// scripts/known-imports.json lists the violations that are not cured yet. An entry that no longer occurs fails.
'use strict';

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { list, read } = require('./lib/files.js');
const { ALLOWED_JS, PLANTED_JS, checkJs } = require('./lib/js-imports.js');
const { ALLOWED_RUST, PLANTED_RUST, checkRust } = require('./lib/rust-rules.js');

/** @typedef {import('./lib/circles.js').Violation} Violation */

const ROOT = path.join(__dirname, '..');
const LIST = 'scripts/known-imports.json';
const CODE = ['.rs', '.js', '.mjs', '.ts', '.mts', '.lua'];

/** More lines than this need a reason in LONG_FILES. */
const MAX_LINES = 800;
/** Files over MAX_LINES, and why each is one file. @type {Record<string, string>} */
const LONG_FILES = {};
/** Files in one folder, without the files of its subfolders. */
const MAX_FILES = 24;

/** @param {string} root @returns {string[]} */
function checkLength(root) {
  const files = ['src', 'scripts', '__test__', 'bench'].flatMap((directory) => list(root, directory, CODE));
  const isLong = (/** @type {string} */ file) => read(root, file).split('\n').length - 1 > MAX_LINES;
  return [
    ...files
      .filter((file) => !(file in LONG_FILES) && isLong(file))
      .map(
        (file) =>
          `${file}: more than ${MAX_LINES} lines: split it by nouns, or give the reason in LONG_FILES`,
      ),
    ...Object.keys(LONG_FILES)
      .filter((file) => !files.includes(file) || !isLong(file))
      .map((file) => `LONG_FILES: ${file} is not long: take it off`),
  ];
}

/** @param {string} root @returns {string[]} */
function checkFolders(root) {
  /** @type {Map<string, number>} */
  const counts = new Map();
  for (const file of ['src', 'scripts', 'bench'].flatMap((directory) => list(root, directory, CODE))) {
    const folder = path.posix.dirname(file);
    counts.set(folder, (counts.get(folder) ?? 0) + 1);
  }
  return [...counts]
    .filter(([, count]) => count > MAX_FILES)
    .map(([folder]) => `${folder}: more than ${MAX_FILES} files: give its nouns folders of their own`);
}

/** @param {string} root @returns {Violation[]} */
const check = (root) => [
  ...checkRust(root),
  ...checkJs(root),
  ...[...checkLength(root), ...checkFolders(root)].map((text) => ({ key: text, text })),
];

/** Reads a list with the marks of a merge conflict too: --write-list then resolves the conflict. @returns {string[]} */
const readKnown = () =>
  fs.existsSync(path.join(ROOT, LIST))
    ? [...read(ROOT, LIST).matchAll(/"([^"]+)"/g)].map(([, entry = '']) => entry)
    : [];

/** The violations that are not known, and the entries that no longer occur. @param {Violation[]} violations @param {string[]} known */
function compare(violations, known) {
  const keys = new Set(violations.map(({ key }) => key));
  return [
    ...new Set(violations.filter(({ key }) => !known.includes(key)).map(({ text }) => text)),
    ...known
      .filter((entry) => !keys.has(entry))
      .map((entry) => `${LIST}: "${entry}" no longer occurs: take it off the list (--write-list)`),
  ];
}

/** @param {Violation[]} violations @param {string[]} known @param {boolean} mayGrow @returns {string[]} */
function writeKnown(violations, known, mayGrow) {
  const added = violations.filter(({ key }) => !known.includes(key));
  if (added.length > 0 && !mayGrow) return added.map(({ text }) => text);
  const entries = [...new Set(violations.map(({ key }) => key))].sort();
  fs.writeFileSync(path.join(ROOT, LIST), `${JSON.stringify(entries, null, 2)}\n`);
  console.log(`${LIST}: ${entries.length} entries, ${known.length} before`);
  return [];
}

/** One planted file for each rule, and the words that its report must hold. */
const PLANTED = [
  ...PLANTED_RUST,
  ...PLANTED_JS,
  ['__test__/long.spec.js', '\n'.repeat(MAX_LINES + 1), 'split it by nouns'],
  ['src/js/util/many/a.js', '', 'src/js/util/many: more than'],
];

/** Imports that are allowed, and prose that only looks like one. @type {Record<string, string>} */
const ALLOWED = {
  ...ALLOWED_RUST,
  ...ALLOWED_JS,
  ...Object.fromEntries(
    Array.from({ length: MAX_FILES }, (_, index) => [`src/js/util/many/${index}.js`, '']),
  ),
};

function selfTest() {
  const root = fs.mkdtempSync(path.join(os.tmpdir(), 'latchgate-imports-'));
  const put = (/** @type {string} */ file, /** @type {string} */ text) => {
    fs.mkdirSync(path.dirname(path.join(root, file)), { recursive: true });
    fs.writeFileSync(path.join(root, file), text);
  };
  const missed = [];
  try {
    for (const [file, text] of Object.entries(ALLOWED)) put(file, text);
    missed.push(...check(root).map(({ text }) => `reported what is allowed: ${text}`));
    for (const [file = '', text = '', words = ''] of PLANTED) {
      put(file, text);
      if (!check(root).some((violation) => violation.text.includes(words)))
        missed.push(`not seen: "${words}" in ${JSON.stringify(text)}`);
      fs.rmSync(path.join(root, file));
      if (file in ALLOWED) put(file, ALLOWED[file] ?? '');
    }
  } finally {
    fs.rmSync(root, { recursive: true, force: true });
  }
  if (!compare([], ['an entry']).some((problem) => problem.includes('no longer occurs')))
    missed.push('not seen: an entry of the list that no longer occurs');
  return missed;
}

function main(/** @type {string[]} */ args) {
  if (args.includes('--self-test')) {
    const missed = selfTest();
    if (missed.length === 0) console.log(`every one of ${PLANTED.length + 1} planted violations is seen`);
    return missed;
  }
  const violations = check(ROOT);
  const known = readKnown();
  if (args.includes('--write-list')) return writeKnown(violations, known, args.includes('--moved'));
  for (const text of new Set(violations.filter(({ key }) => known.includes(key)).map(({ text }) => text)))
    console.log(`known: ${text}`);
  const problems = compare(violations, known);
  if (problems.length === 0) console.log(`imports keep their direction, except ${known.length} known ones`);
  return problems;
}

if (require.main === module) {
  const problems = main(process.argv.slice(2));
  for (const problem of problems) console.error(problem);
  if (problems.length > 0) process.exitCode = 1;
}
