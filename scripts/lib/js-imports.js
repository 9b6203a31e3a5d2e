// The rules for imports between JavaScript files: storeys, the order of the folders of src/js, and circles.
// An import counts in every position: at the top of a file, inside a function, or as a re-export. Types in comments
// do not count. Each violation has a key without line numbers.
'use strict';

const fs = require('node:fs');
const path = require('node:path');
const { circleViolations } = require('./circles.js');
const { list, read } = require('./files.js');
const { tokenize } = require('./strip.js');

/** @typedef {import('./circles.js').Violation} Violation */
/** @typedef {{ specifier: string | undefined, line: number }} Import the specifier is undefined if it is computed */

const EXTENSIONS = ['.js', '.mjs'];
const MANIFEST = 'package.json';
/** The build writes it. src/js/native/native.js alone loads it. */
const BINDING = 'src/js/binding.js';

/**
 * The areas, and which areas each one may import besides itself. `packages: true` means any npm package.
 * Specs and examples may import every area, so they are not read.
 * @type {Record<string, { areas: string[], packages: boolean }>}
 */
const AREAS = {
  'src/js': { areas: [], packages: false },
  'src/cli': { areas: ['src/js'], packages: false },
  scripts: { areas: [], packages: true },
  bench: { areas: ['src/js', 'scripts', '__test__'], packages: true },
};

/** Optional packages of an app, and the only file that may load each one. @type {Record<string, string>} */
const OPTIONAL = { '@opentelemetry/api': 'src/js/telemetry/telemetry.js' };

/** Files that load a module by a computed path, and the reason. @type {Record<string, string>} */
const COMPUTED = {
  'bench/lab/host.js': 'the environment names the app',
  'bench/lab/scenarios.js': 'each scenario has a folder',
  'scripts/demo/host.js': 'the command line names the app',
  'src/cli/audit/config.js': 'the user names the file',
};

/**
 * The order within src/js. An entry may import the entries of the lines above its own line, and no other entry of its own
 * line.
 */
const ORDER = [
  ['util'],
  ['http', 'credential', 'native', 'keys', 'telemetry'],
  ['policy'],
  ['options'],
  ['turns'],
  ['runtime', 'request'],
  ['api'],
  ['auth.js'],
  ['index.js'],
  ['index.mjs'],
];

/** The code with comments as blanks, and with literals as blanks, except the literals that `keep` accepts. @param {string} source @param {(start: number, text: string, before: string) => boolean} keep */
function codeOf(source, keep) {
  let out = '';
  let at = 0;
  for (const { kind, start, end } of tokenize(source, 'js')) {
    const text = source.slice(start, end);
    out += source.slice(at, start);
    out += kind === 'string' && keep(start, text, out) ? text : text.replace(/[^\n]/g, ' ');
    at = end;
  }
  return out + source.slice(at);
}

// Not a method of that name: a dot before the word is allowed only as the end of a spread.
const BEFORE_SPECIFIER = /(?<!\w)(?<!(?<!\.\.)\.)(?:(?:require|import)\s*\(|import|from)\s*$/;
const IMPORT =
  /(?<!\w)(?<!(?<!\.\.)\.)(?:(?:require|import)\s*\(\s*(?:(['"`])([^'"`\n]*)\1\s*[,)]|(?!\s*\)))|(?:import|from)\s*(['"])([^'"\n]*)\3)/g;

/** @param {string} source @returns {Import[]} */
function importsOf(source) {
  const code = codeOf(
    source,
    (_start, text, before) => !text.includes('${') && BEFORE_SPECIFIER.test(before),
  );
  return [...code.matchAll(IMPORT)].map(({ 2: called, 4: named, index }) => ({
    specifier: called ?? named,
    line: code.slice(0, index).split('\n').length,
  }));
}

/** @param {string} file */
const areaOf = (file) =>
  [...Object.keys(AREAS), '__test__', 'examples'].find((area) => file.startsWith(`${area}/`));

/** The line of ORDER that an entry of src/js is in; -1: none. @param {string} entry */
const rank = (entry) => ORDER.findIndex((line) => line.includes(entry));

/** The folder of src/js, or the file that is directly in src/js. @param {string} file */
const entryOf = (file) => file.slice('src/js/'.length).split('/')[0] ?? '';

/** @param {string} file @param {string} target @returns {string | undefined} why the import is not allowed */
function refusal(file, target) {
  const [area = '', other = ''] = [areaOf(file), areaOf(target)];
  if (area !== other)
    return AREAS[area]?.areas.includes(other) ? undefined : `${area} may not import ${other || target}`;
  if (area !== 'src/js') return undefined;
  const [from, to] = [entryOf(file), entryOf(target)];
  if (rank(from) === -1) return `src/js/${from} has no place in the order of the folders`;
  return from === to || rank(to) < rank(from) ? undefined : `${from} may not import ${to}`;
}

/**
 * @param {string} root
 * @param {string} file
 * @param {Import} found
 * @returns {{ target?: string, problem?: string }} neither: the import is allowed and leads to no file of an area
 */
function resolve(root, file, { specifier }) {
  if (specifier === undefined)
    return file in COMPUTED ? {} : { problem: 'the path of an import must be a string literal' };
  if (specifier.startsWith('node:')) return {};
  if (!specifier.startsWith('.')) {
    const isAllowed = AREAS[areaOf(file) ?? '']?.packages || OPTIONAL[specifier] === file;
    return isAllowed ? {} : { problem: `may require only node: modules and its own files, not ${specifier}` };
  }
  const target = path.posix.join(path.posix.dirname(file), specifier);
  if (target === MANIFEST) return {};
  if (target === BINDING)
    return file === 'src/js/native/native.js' ? {} : { problem: 'only native/native.js may load binding.js' };
  if (!fs.existsSync(path.join(root, target)) || !path.posix.extname(target))
    return { problem: `${specifier} names no file; write the extension out` };
  const problem = refusal(file, target);
  return problem === undefined ? { target } : { target, problem };
}

/** @param {string} root @returns {Violation[]} */
function checkJs(root) {
  /** @type {Violation[]} */
  const violations = [];
  /** @type {import('./circles.js').Graph} */
  const graph = new Map();
  const files = Object.keys(AREAS).flatMap((area) => list(root, area, EXTENSIONS));
  for (const file of files) {
    const targets = new Set();
    graph.set(file, targets);
    for (const found of importsOf(read(root, file))) {
      const { target, problem } = resolve(root, file, found);
      if (target !== undefined && files.includes(target)) targets.add(target);
      if (problem !== undefined)
        violations.push({ key: `${file}: ${problem}`, text: `${file}:${found.line}: ${problem}` });
    }
  }
  const stale = Object.keys(COMPUTED)
    .filter((file) => files.includes(file))
    .filter((file) => importsOf(read(root, file)).every(({ specifier }) => specifier !== undefined))
    .map((file) => `COMPUTED: ${file} computes no path: take it off the list`)
    .map((text) => ({ key: text, text }));
  return [...violations, ...stale, ...circleViolations(graph)];
}

/** One planted file for each rule, and the words that its report must contain. */
const PLANTED_JS = [
  ['src/js/util/a.js', "const jose = require('jose');\n", 'not jose'],
  ['src/js/util/a.js', "require('@opentelemetry/api');\n", 'not @opentelemetry/api'],
  ['src/js/util/a.js', "require('../../../scripts/setup.js');\n", 'src/js may not import scripts'],
  ['src/js/util/a.js', "require('../../cli/main.js');\n", 'src/js may not import src/cli'],
  ['src/cli/a.js', "require('../../bench/lib/stats.js');\n", 'src/cli may not import bench'],
  ['scripts/a.js', "require('../src/js/index.js');\n", 'scripts may not import src/js'],
  ['src/js/util/a.js', "require('./b');\n", 'names no file'],
  ['src/js/util/a.js', "require('../http');\n", 'names no file'],
  ['src/js/util/a.js', "require('../binding.js');\n", 'only native/native.js may load binding.js'],
  ['src/js/util/a.js', "require('./' + name);\n", 'must be a string literal'],
  ['src/js/util/a.js', 'require(`./' + '$' + '{name}.js`);\n', 'must be a string literal'],
  ['bench/lab/host.js', "require('node:fs');\n", 'bench/lab/host.js computes no path'],
  ['src/js/misplaced.js', "require('./util/input.js');\n", 'src/js/misplaced.js has no place in the order'],
  ['src/js/util/input.js', "require('../http/denial.js');\n", 'util may not import http'],
  ['src/js/util/input.js', "const f = () => require('../http/denial.js');\n", 'util may not import http'],
  ['src/js/util/input.js', "module.exports = require('../http/denial.js');\n", 'util may not import http'],
  ['src/js/util/input.js', "const f = () => import('../http/denial.js');\n", 'util may not import http'],
  ['src/js/util/input.js', 'require(`../http/denial.js`);\n', 'util may not import http'],
  [
    'src/js/util/input.js',
    "module.exports = { ...require('../http/denial.js') };\n",
    'util may not import http',
  ],
  ['src/js/util/input.mjs', "export * from '../http/denial.js';\n", 'util may not import http'],
  ['src/js/http/denial.js', "require('../keys/keys.js');\n", 'http may not import keys'],
  ['src/js/auth.js', "require('./index.js');\n", 'auth.js may not import index.js'],
  [
    'src/js/keys/ring.js',
    "const { a } = require(\n  './keys.js',\n);\n",
    'circle of 2 files: src/js/keys/ring.js -> src/js/keys/keys.js',
  ],
  ['src/js/util/input.js', "require('./input.js');\n", 'circle of 1 files'],
  [
    'src/cli/main.js',
    "const f = () => require('./audit/index.js');\n",
    'circle of 2 folders: src/cli/audit/',
  ],
  [
    'bench/lib/stats.js',
    "require('../workers/load.mjs');\n",
    'circle of 2 folders: bench/lib/ -> bench/workers/',
  ],
  ['scripts/setup.js', "require('./lib/run.js');\n", 'scripts/lib/run.js -> scripts/setup.js'],
];

/** Imports that are allowed, and text that only looks like one. @type {Record<string, string>} */
const ALLOWED_JS = {
  'package.json': '{}',
  'src/js/binding.js': '',
  'src/js/native/native.js': "require('../binding.js');\nrequire('../../../package.json');\n",
  'src/js/telemetry/telemetry.js': "require('@opentelemetry/api');\n",
  'src/js/util/input.js':
    "// require('jose')\n/** @type {import('../http/denial.js').Denial} */\nconst re = /['\"]/;\nconst text = \"require('jose')\";\nrequire('node:fs');\n",
  'src/js/http/denial.js': "require('../util/input.js');\nconst from = ['jose'];\nmap.import('jose');\n",
  'src/js/keys/keys.js': "require('./ring.js');\n",
  'src/js/keys/ring.js': '',
  'src/js/auth.js': "require('./http/denial.js');\n",
  'src/js/index.js': "require('./auth.js');\n",
  'src/js/index.mjs': "import face from './index.js';\nexport const { a } = face;\n",
  'src/cli/main.js': "require('../js/auth.js');\n",
  'src/cli/audit/index.js': "require('../main.js');\n",
  'scripts/setup.js': "require('express');\n",
  'scripts/lib/run.js': "require('../setup.js');\n",
  'bench/lib/stats.js': "require('../../src/js/index.js');\nrequire('../../__test__/support/proxy.js');\n",
  'bench/workers/load.mjs': "import { mean } from '../lib/stats.js';\n",
  'bench/lab/host.js': 'require(name);\n',
  '__test__/support/proxy.js': '',
};

module.exports = { checkJs, PLANTED_JS, ALLOWED_JS };
