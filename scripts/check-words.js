// Checks the English of comments, doc comments, messages, test names and docs: refused words, and the length of sentences.
// STYLE: present tense, active voice, subject first, one fact per sentence, standard terms, nouns for pronouns.
//
//   node scripts/check-words.js               fails on a refused word, and on an area under 95 % of short sentences
//   node scripts/check-words.js PATH...       prints each refused word and each long sentence of these files or folders
//   node scripts/check-words.js --write-list  writes scripts/unclean-words.json; a list that would grow is refused
//   node scripts/check-words.js --write-list --moved   the same after files were moved or split: the list may grow
//   node scripts/check-words.js --self-test   plants each refused word and a long sentence, and fails on a miss
//
// scripts/unclean-words.json lists files, and folders (with a slash at the end), that are not clean yet. A clean entry fails.
'use strict';

const fs = require('node:fs');
const path = require('node:path');
const { list, read } = require('./lib/files.js');
const { LONG, proseOf, sentencesOf } = require('./lib/prose.js');

const ROOT = path.join(__dirname, '..');
const LIST = 'scripts/unclean-words.json';
const SHARE = 0.95;
/** Shorter sentences are table cells, codes and headings: they are not counted. */
const SHORTEST = 4;

/**
 * Refused words and turns of phrase. The pattern is matched without regard to case, between word boundaries.
 * @type {Array<[pattern: string, instead: string]>}
 */
const REFUSED = [
  ['whoever|whosever|whomever', 'name the actor: the caller, the client, a waiter'],
  ['whatever|whichever|wherever', 'any, each, everywhere; or "regardless of" with a noun'],
  ['none of (?:it|ours|its)|(?:one|some|any|nothing|much) of ours', 'no part of ...; foreign; name the noun'],
  [
    "ours|theirs|(?:an)?other['’]s|nobody['’]s|somebody['’]s",
    'of this store, of another user: name the owner',
  ],
  ['those (?:that|of|who|whose|in|with|which|on|from|for|before|after|it|they)', 'repeat the noun'],
  ['the ones?(?: (?:that|who|of|in|with|which|before|after|it|they))', 'repeat the noun'],
  ['(?:those|he|one|he|him|each) who', 'name the actor'],
  ['that which|that of|which of them', 'repeat the noun'],
  ['told|tells?|telling', 'report, notify, return, state, distinguish'],
  ['hear|hears|heard|unheard', 'receive, learn, be notified'],
  ['lies?|lay|lain', 'is, is stored, is in'],
  ['stands?|stood', 'is valid, is in, is, exists, represents'],
  ['fells?|fell|fallen', 'invalidate, revoke; crash, fail, decrease'],
  ['rests? on|rested on', 'reference, depend on'],
  ['bears?|borne', 'carry, hold'],
  ['bury|buried|buries', 'end, delete'],
  ['comes? to|came to|coming to', 'reach, equal, arrive at; "end" for "come to an end"'],
  ['comes? of|came of', 'result'],
  ['go on|goes on|going on|went on|gone on', 'continue'],
  ['hand(?:s|ed|ing)? (?:on|over|out|down)', 'pass, return, deliver'],
  ['let(?:s|ting)? through', 'allow'],
  ['turn(?:s|ed|ing)? away', 'deny, reject'],
  ['pass(?:es|ed|ing)? over', 'skip'],
  ['(?:give|gives|gave|given|giving) back', 'refund, return'],
  ['given up|giv(?:e|es|ing) up (?:a|the|its|their|his) (?:turn|place|ticket|lease)', 'release'],
  ['take(?:s|n)? note|took note', 'record'],
  ['take(?:s|n)? for|took for', 'treat as, mistake for'],
  ['take(?:s|n)? away|took away', 'remove'],
  ['made of|makes? (?:an?|the) \\w+ of', 'convert to, consist of'],
  ['so long|so many|so much', 'how long, how many, number of, as long as, enough'],
  ['once more|once again|anew', 'again'],
  ['once too often|to begin with|at first sight', 'false positive; initially'],
  ['at once', 'immediately; or concurrently, at the same time'],
  ['on the spot', 'synchronously, immediately'],
  ['no more(?! (?:than|of))', 'no longer, no further'],
  ['for good', 'permanently'],
  ['in vain', 'without effect, fails'],
  ['by and by', 'gradually, later'],
  ['as (?:it|they|he) (?:was|were)(?! \\w+ed)', 'unchanged'],
  ['apart|aside', 'separate, distinct, independent; "distinguish" for "tell apart"'],
  ['beside', 'next to, together with, in addition to'],
  ['in between', 'between two steps, meanwhile'],
  ['nothing of', 'no part of'],
  ['where (?:none|nothing|nobody)', 'if no ...'],
  ['is had|are had|was had|be had|had once', 'is acquired, is obtained'],
  ['such a one|such an one', 'repeat the noun'],
  ['wherefrom|whereto|wherein|thereof|therein|thereto|thereby|hereby|herein', 'from which, of it, in it'],
  ['of (?:its|their) own accord', 'automatically'],
  ['save for|but for', 'except'],
  ['lest|ere|upon|whilst|amid', 'so that ... not, before, on, while, among'],
  ['he|him|his|himself', 'the user, the caller'],
  ['the face', 'the JavaScript layer'],
  ['belongs? into', 'belongs in'],
  ['some (?:\\d+|ten|twenty|thirty|forty|fifty|hundred)', 'about'],
];

/**
 * Refused at the start of a sentence, where they leave the subject out or hide it. With regard to case.
 * @type {Array<[pattern: string, instead: string]>}
 */
const REFUSED_STARTS = [
  ['What|Who|Whom|That which', 'begin with the noun: "Returns ...", "The data that ..."'],
  ['Where', 'If, When; or begin with the noun'],
  ['Is|Are|Was|Were|Has|Have|Had', 'begin with the subject, or with a verb: "Returns ...", "Marks ..."'],
];

const WORDS = REFUSED.map(([pattern, instead]) => ({
  pattern: new RegExp(`(?<![\\w-])(?:${pattern.replaceAll(' ', '\\s+')})(?![\\w-])`, 'gi'),
  instead,
}));
const STARTS = REFUSED_STARTS.map(([pattern, instead]) => ({
  pattern: new RegExp(`^["'(]?(?:${pattern})\\s(?!.*\\?["')]?$)`),
  instead,
}));

/** What is read, in areas. Markdown other than CONTRIBUTING.md and docs/architecture.md is measured only. */
const AREAS = [
  { name: 'index.d.ts', paths: ['index.d.ts', 'index.d.mts'] },
  { name: 'src/core', paths: ['src/core', 'src/lib.rs'] },
  { name: 'src/tokens', paths: ['src/tokens'] },
  { name: 'src/store', paths: ['src/store'], extensions: ['.rs', '.js'] },
  { name: 'src/store, Lua', paths: ['src/store'], extensions: ['.lua'] },
  { name: 'src/binding', paths: ['src/binding'] },
  { name: 'src/js', paths: ['src/js', 'src/cli'] },
  { name: '__test__', paths: ['__test__'] },
  { name: 'bench', paths: ['bench'] },
  { name: 'scripts', paths: ['scripts', 'build.rs'] },
  { name: 'examples', paths: ['examples'] },
  { name: 'docs of contributors', paths: ['CONTRIBUTING.md', 'docs/architecture.md'] },
  {
    name: 'docs of users',
    paths: ['README.md', 'docs', 'examples'],
    extensions: ['.md'],
    isMeasuredOnly: true,
  },
];
const EXTENSIONS = ['.js', '.mjs', '.d.ts', '.d.mts', '.rs', '.lua'];
/** Generated, or text that these checks quote. */
const LEFT_OUT = /^(?:docs\/licences\.md|docs\/lab\/.*|scripts\/check-words\.js)$/;
/** Folders that are listed as a whole, until the work on them begins. */
const WHOLE_FOLDERS = ['src/store/redis/', 'src/binding/', 'src/js/', 'src/cli/'];

/** @typedef {{ line: number, found: string, instead: string }} Hit */
/** @typedef {{ file: string, hits: Hit[], long: Array<{ line: number, text: string, words: number }>, sentences: number }} Report */

/** @param {string} source @param {string} file @returns {Report} */
function inspect(source, file) {
  /** @type {Hit[]} */
  const hits = [];
  /** @type {Report['long']} */
  const long = [];
  let sentences = 0;
  for (const paragraph of proseOf(source, file)) {
    for (const { pattern, instead } of WORDS) {
      for (const match of paragraph.text.matchAll(pattern)) {
        const line = paragraph.line + paragraph.text.slice(0, match.index).split('\n').length - 1;
        hits.push({ line, found: match[0].replace(/\s+/g, ' '), instead });
      }
    }
    for (const sentence of sentencesOf(paragraph)) {
      for (const { pattern, instead } of STARTS) {
        if (pattern.test(sentence.text))
          hits.push({ line: sentence.line, found: `${sentence.text.split(' ')[0]} ...`, instead });
      }
      if (sentence.words >= SHORTEST) sentences++;
      if (sentence.words >= LONG) long.push(sentence);
    }
  }
  return { file, hits: hits.sort((a, b) => a.line - b.line), long, sentences };
}

/** @param {Report} report */
const isClean = ({ hits, long, sentences }) => hits.length === 0 && long.length <= sentences * (1 - SHARE);

/** @param {string} file @param {string[]} entries */
const isListed = (file, entries) =>
  entries.some((entry) => (entry.endsWith('/') ? file.startsWith(entry) : file === entry));

/** @param {Report[]} reports */
function shareOf(reports) {
  const sentences = reports.reduce((sum, report) => sum + report.sentences, 0);
  const long = reports.reduce((sum, report) => sum + report.long.length, 0);
  return { sentences, share: sentences === 0 ? 1 : 1 - long / sentences };
}

/** @param {number} share */
const percent = (share) => `${(Math.floor(share * 1000) / 10).toFixed(1)} %`;

/**
 * @param {Array<{ name: string, isMeasuredOnly?: boolean, reports: Report[] }>} areas
 * @param {string[]} entries not clean yet
 * @returns {string[]}
 */
function check(areas, entries) {
  /** @type {string[]} */
  const problems = [];
  const judged = areas.filter(({ isMeasuredOnly }) => !isMeasuredOnly);
  for (const { name, reports } of judged) {
    const clean = reports.filter(({ file }) => !isListed(file, entries));
    for (const { file, hits } of clean)
      for (const { line, found, instead } of hits)
        problems.push(`${file}:${line}: "${found}" is refused. Instead: ${instead}`);
    const { share } = shareOf(clean);
    if (share < SHARE)
      problems.push(
        `${name}: ${percent(share)} of sentences have fewer than ${LONG} words, at least ${percent(SHARE)} must. ` +
          'To list them: node scripts/check-words.js PATH',
      );
  }
  const all = judged.flatMap(({ reports }) => reports);
  for (const entry of entries) {
    const covered = all.filter(({ file }) => isListed(file, [entry]));
    if (covered.every(isClean))
      problems.push(
        `${LIST}: ${entry} is ${covered.length === 0 ? 'absent' : 'clean'}: take it off the list (--write-list)`,
      );
  }
  return problems;
}

/** @param {string} root */
function readAreas(root) {
  return AREAS.map(({ name, paths, extensions = EXTENSIONS, isMeasuredOnly }) => {
    const files = paths.flatMap((each) =>
      /\.\w+$/.test(each)
        ? fs.existsSync(path.join(root, each))
          ? [each]
          : []
        : list(root, each, extensions),
    );
    const chosen = files.filter((file) => !LEFT_OUT.test(file) && (!isMeasuredOnly || !isJudged(file)));
    return { name, isMeasuredOnly, reports: chosen.map((file) => inspect(read(root, file), file)) };
  });
}

/** @param {string} file of Markdown */
const isJudged = (file) => file === 'CONTRIBUTING.md' || file === 'docs/architecture.md';

/** Reads a list with the marks of a merge conflict too: --write-list then resolves the conflict. @param {string} root @returns {string[]} */
const readList = (root) =>
  fs.existsSync(path.join(root, LIST))
    ? [...read(root, LIST).matchAll(/"([^"]+)"/g)].map(([, entry = '']) => entry)
    : [];

/** @param {ReturnType<typeof readAreas>} areas @param {string[]} before @param {boolean} moved */
function writeList(areas, before, moved) {
  const unclean = areas
    .filter(({ isMeasuredOnly }) => !isMeasuredOnly)
    .flatMap(({ reports }) => reports)
    .filter(
      (report) => !isClean(report) && (moved || isListed(report.file, before) || report.hits.length > 0),
    )
    .map(({ file }) => WHOLE_FOLDERS.find((folder) => file.startsWith(folder)) ?? file);
  const entries = [...new Set(unclean)].sort();
  const added = entries.filter((entry) => !isListed(entry, before));
  if (added.length > 0 && !moved) {
    for (const entry of added) console.error(`${entry} is not clean, and not on the list`);
    console.error('Clean these files. After a move or a split: --write-list --moved');
    process.exitCode = 1;
    return;
  }
  fs.writeFileSync(path.join(ROOT, LIST), `${JSON.stringify(entries, null, 2)}\n`);
  console.log(`${LIST}: ${entries.length} entries, ${before.length} before`);
}

/** @param {ReturnType<typeof readAreas>} areas @param {string[]} paths */
function show(areas, paths) {
  const reports = areas
    .flatMap((area) => area.reports)
    .filter(({ file }) =>
      paths.some((each) => file === each || file.startsWith(`${each.replace(/\/$/, '')}/`)),
    );
  for (const { file, hits, long } of reports) {
    for (const { line, found, instead } of hits) console.log(`${file}:${line}: "${found}" -> ${instead}`);
    for (const { line, text, words } of long) console.log(`${file}:${line}: ${words} words: ${text}`);
  }
  const { sentences, share } = shareOf(reports);
  const hits = reports.reduce((sum, report) => sum + report.hits.length, 0);
  console.log(
    `${reports.length} files: ${hits} refused words, ${percent(share)} of ${sentences} sentences are short`,
  );
}

/** Source, its language, and whether a word in it is refused. @type {Array<[extension: string, text: string, isWrong: boolean]>} */
const PLANTED = [
  ['js', '// The key is for whoever asks.\nf();', true],
  ['js', '/**\n * The key is given to those\n * that wait.\n * @param {string} key\n */', true],
  ['js', "it('answers none of it', f);", true],
  ['js', "throw new Error('the key ' + 'is told of it');", true],
  ['js', 'fail(`the $' + '{key} lies in the $' + '{store} there`);', true],
  ['js', '// What the key names.\n', true],
  ['js', '// What does the key name?\n', false],
  ['js', "const whoever = 'whoever';", false],
  ['js', '// Calls `whoever` with the key.\n', false],
  ['js', '// Adds a key. Throws if the key is absent.\n', false],
  ['rs', '/// Is told of\n/// the key.\nfn f() {}', true],
  ['rs', '#[test]\nfn a_key_lies_in_the_store() {}', true],
  ['rs', '#[test]\nfn a_key_is_in_the_store() {}', false],
  ['rs', 'panic!("the key stands \\\n    in the store");', true],
  ['lua', '-- The key goes on to the next.\nreturn 1', true],
  ['lua', "return redis.error_reply('ERR the key comes to nothing')", true],
  ['lua', 'local so_long = 1 -- units', false],
  ['md', '| key | the key comes to an end |', true],
  ['md', '```\nwhoever\n```\n', false],
];

/** Every phrase that a pattern of groups and alternatives matches. @param {string} pattern @returns {string[]} */
function phrasesOf(pattern) {
  const plain = pattern
    .replace(/\(\?!.*\)/g, '')
    .replace(/(?<=\w)\?/g, '')
    .replaceAll("['’]", "'")
    .replaceAll('\\w+', 'key')
    .replaceAll('\\d+', '30');
  const group = /\(\?:([^()]*)\)(\??)/.exec(plain);
  if (!group) return plain.split('|');
  const [text, inner = '', optional] = group;
  // An alternative outside the group is split first, so that it does not take part in the expansion.
  const before = plain.slice(0, group.index);
  const after = plain.slice(group.index + text.length);
  const [head, tail] = [before.lastIndexOf('|') + 1, after.search(/\|(?![^(]*\))/)];
  const others = [before.slice(0, Math.max(0, head - 1)), tail < 0 ? '' : after.slice(tail + 1)].filter(
    Boolean,
  );
  const choices = [...inner.split('|'), ...(optional ? [''] : [])];
  const end = tail < 0 ? after : after.slice(0, tail);
  return [
    ...others.flatMap(phrasesOf),
    ...choices.flatMap((choice) => phrasesOf(`${before.slice(head)}${choice}${end}`)),
  ];
}

/** @returns {string[]} */
function selfTest() {
  /** @type {string[]} */
  const missed = [];
  for (const [extension, text, isWrong] of PLANTED) {
    const { hits } = inspect(text, `planted.${extension}`);
    if (hits.length > 0 !== isWrong) missed.push(`${isWrong ? 'not seen' : 'wrongly refused'}: ${text}`);
  }
  for (const [pattern] of REFUSED) {
    for (const phrase of phrasesOf(pattern))
      if (inspect(`// Here ${phrase} follows.\n`, 'planted.js').hits.length === 0)
        missed.push(`not seen: ${phrase}`);
  }
  for (const [pattern] of REFUSED_STARTS) {
    for (const word of pattern.split('|'))
      if (
        !inspect(`// A key. ${word} the key.\n`, 'planted.js').hits.some(({ found }) => found.endsWith('...'))
      )
        missed.push(`not seen: ${word}`);
  }
  const words = (/** @type {number} */ count) =>
    `// A${' word'.repeat(count - 1)}. A short sentence ends here.\n`;
  if (inspect(words(LONG), 'planted.js').long.length !== 1) missed.push(`not seen: ${LONG} words`);
  if (inspect(words(LONG - 1), 'planted.js').long.length !== 0)
    missed.push(`wrongly long: ${LONG - 1} words`);

  const unclean = [
    { name: 'a', reports: [inspect('// whoever\n', 'a/b.js'), inspect('// A key.\n', 'c.js')] },
  ];
  /** @type {Array<[string[], number]>} */
  const lists = [
    [[], 1],
    [['a/b.js'], 0],
    [['a/'], 0],
    [['a/b.js', 'c.js'], 1],
    [['a/', 'gone.js'], 1],
  ];
  for (const [entries, count] of lists)
    if (check(unclean, entries).length !== count) missed.push(`the list ${entries} is judged wrongly`);
  if (check([{ name: 'a', reports: [inspect(words(LONG), 'a.js')] }], []).length !== 1)
    missed.push('not seen: an area of long sentences');
  return missed;
}

function main() {
  const args = process.argv.slice(2);
  if (args.includes('--self-test')) {
    const missed = selfTest();
    for (const problem of missed) console.error(problem);
    if (missed.length > 0) process.exitCode = 1;
    else console.log('every refused word and every long sentence is seen');
    return;
  }
  const areas = readAreas(ROOT);
  const entries = readList(ROOT);
  if (args.includes('--write-list')) {
    writeList(areas, entries, args.includes('--moved'));
    return;
  }
  if (args.length > 0) {
    show(areas, args);
    return;
  }
  for (const { name, reports, isMeasuredOnly } of areas) {
    const { sentences, share } = shareOf(reports);
    const open = isMeasuredOnly
      ? 'measured only'
      : `${reports.filter((each) => !isClean(each)).length} files not clean`;
    console.log(
      `${name}: ${percent(share)} of ${sentences} sentences have fewer than ${LONG} words, ${open}`,
    );
  }
  const problems = check(areas, entries);
  for (const problem of problems) console.error(problem);
  if (problems.length > 0) process.exitCode = 1;
  else console.log(`no refused word outside the ${entries.length} entries of ${LIST}`);
}

if (require.main === module) main();
