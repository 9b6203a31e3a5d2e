// Keeps the storeys apart: which part of the code may import which, and that no file outgrows its noun.
// With --self-test it plants one violation of each rule in a scratch tree and fails where one is not seen.
'use strict';

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { list, read } = require('./lib/files.js');
const { cratesOf, rustImports } = require('./lib/rust-paths.js');
const { strip } = require('./lib/strip.js');

const MAX_LINES = 800;

/** What each storey may import; `crates: null` means any that Cargo.toml names. */
const STOREYS = /** @type {Record<string, { storeys: string[], crates: string[] | null }>} */ ({
  core: { storeys: ['core'], crates: [] },
  store: {
    storeys: ['core', 'store'],
    crates: ['ahash', 'dashmap', 'redis', 'rustls_native_certs', 'tokio', 'tokio_rustls'],
  },
  tokens: {
    storeys: ['core', 'tokens'],
    crates: [
      'ahash',
      'aws_lc_rs',
      'base64',
      'getrandom',
      'jsonwebtoken',
      'memchr',
      'quick_cache',
      'serde',
      'serde_json',
    ],
  },
  binding: { storeys: ['core', 'store', 'tokens', 'binding'], crates: null },
});

/** @param {string} root @returns {string[]} */
function checkRust(root) {
  const crates = cratesOf(read(root, 'Cargo.toml'));
  for (const name of ['napi', 'napi_derive']) crates.add(name);
  const violations = [];
  for (const file of list(root, 'src', ['.rs'])) {
    const storey = file.split('/')[1] ?? '';
    const rule = STOREYS[storey];
    for (const { kind, name, line } of rustImports(file, read(root, file), crates)) {
      const where = `${file}:${line}`;
      if (kind === 'crate' && name.startsWith('napi') && storey !== 'binding') {
        violations.push(`${where}: only src/binding may use ${name}`);
      } else if (rule && kind === 'crate' && rule.crates && !rule.crates.includes(name)) {
        violations.push(`${where}: ${storey} may not use the crate ${name}`);
      } else if (rule && kind === 'storey' && name in STOREYS && !rule.storeys.includes(name)) {
        violations.push(`${where}: ${storey} may not import ${name}`);
      }
    }
  }
  return violations;
}

/** @param {string} root @returns {string[]} */
function checkJs(root) {
  const violations = [];
  /** @type {Map<string, string[]>} */
  const graph = new Map();
  for (const file of list(root, 'src/js', ['.js', '.mjs'])) {
    const code = strip(read(root, file), 'js');
    /** @type {string[]} */
    const targets = [];
    graph.set(file, targets);
    for (const match of code.matchAll(/(?:\brequire\s*\(|\bfrom|\bimport\s*\(?)\s*(['"])([^'"\n]+)\1/g)) {
      const specifier = match[2] ?? '';
      if (specifier.startsWith('node:')) continue;
      const where = `${file}:${code.slice(0, match.index).split('\n').length}`;
      // An app may have it or not: only who can do without may ask for it.
      if (specifier === '@opentelemetry/api' && file === 'src/js/telemetry.js') continue;
      if (!specifier.startsWith('.')) {
        violations.push(`${where}: may require only node: modules and files of its own, not ${specifier}`);
        continue;
      }
      const target = path.posix.join(path.posix.dirname(file), specifier);
      const generated = target === 'src/js/binding.js';
      // Every published package has its manifest beside it.
      if (target === 'package.json') continue;
      if (!target.startsWith('src/js/')) violations.push(`${where}: ${specifier} leaves src/js`);
      else if (!generated && !fs.existsSync(path.join(root, target)))
        violations.push(`${where}: ${specifier} names no file; write the extension out`);
      else targets.push(target);
    }
  }
  return violations.concat(findCycles(graph));
}

/** @param {Map<string, string[]>} graph @returns {string[]} */
function findCycles(graph) {
  /** @type {string[]} */
  const cycles = [];
  /** @type {Map<string, 'open' | 'done'>} */
  const state = new Map();
  /** @type {(file: string, trail: string[]) => void} */
  const visit = (file, trail) => {
    if (state.get(file) === 'done') return;
    if (state.get(file) === 'open') {
      cycles.push(`cycle: ${[...trail.slice(trail.indexOf(file)), file].join(' -> ')}`);
      return;
    }
    state.set(file, 'open');
    for (const next of graph.get(file) ?? []) visit(next, [...trail, file]);
    state.set(file, 'done');
  };
  for (const file of graph.keys()) visit(file, []);
  return cycles;
}

/** @param {string} root @returns {string[]} */
function checkLength(root) {
  const files = ['src', 'scripts', '__test__'].flatMap((directory) =>
    list(root, directory, ['.rs', '.js', '.mjs', '.ts', '.mts', '.lua']),
  );
  return files.flatMap((file) => {
    const lines = read(root, file).split('\n').length - 1;
    return lines > MAX_LINES ? [`${file}: ${lines} lines, more than ${MAX_LINES}: split it by nouns`] : [];
  });
}

/** @param {string} root */
const check = (root) => [...checkRust(root), ...checkJs(root), ...checkLength(root)];

/** One planted file for each rule, and the words that its report must hold. */
const PLANTED = [
  ['src/core/a.rs', 'use crate::store::Memory;\n', 'core may not import store'],
  ['src/core/a.rs', 'use std::fmt;\nuse serde::Serialize;\n', 'core may not use the crate serde'],
  [
    'src/core/a.rs',
    'fn f() { let _ = jsonwebtoken::decode(); }\n',
    'core may not use the crate jsonwebtoken',
  ],
  ['src/core/a.rs', 'mod tests { use super::super::super::tokens::x; }\n', 'core may not import tokens'],
  ['src/core/a/b.rs', 'use super::super::super::binding::x;\n', 'core may not import binding'],
  [
    'src/store/a.rs',
    "fn f<'a>(s: &'a str) { crate::tokens::keys::read(s) }\n",
    'store may not import tokens',
  ],
  ['src/store/a.rs', 'use crate::{core::op, binding::{gate}};\n', 'store may not import binding'],
  ['src/tokens/a.rs', 'use crate :: store :: Memory;\n', 'tokens may not import store'],
  ['src/tokens/a.rs', '#[napi]\npub fn f() {}\n', 'only src/binding may use napi'],
  ['src/lib.rs', 'use napi_derive::napi;\n', 'only src/binding may use napi_derive'],
  ['src/js/a.js', "const jose = require('jose');\n", 'not jose'],
  ['src/js/a.js', "const s = require('../../scripts/setup.js');\n", 'leaves src/js'],
  ['src/js/a.js', "require('./b');\n", 'names no file'],
  ['src/js/a.js', "require('./ok.js'); require('./a.js');\n", 'cycle: src/js/a.js -> src/js/a.js'],
  ['__test__/long.spec.js', '\n'.repeat(MAX_LINES + 1), 'split it by nouns'],
];

/** Imports that are allowed, and prose that only looks like one. */
const ALLOWED = {
  'Cargo.toml':
    '[dependencies]\nserde = "1"\njsonwebtoken = { version = "11" }\n[dev-dependencies]\nproptest = "1"\n',
  'src/lib.rs': 'pub mod core;\n',
  'src/core/ok.rs':
    '//! not `use crate::store`\nuse std::fmt;\nuse super::b;\n/* use serde::x; /* nested */ */\n',
  'src/core/text.rs': 'const A: &str = "use crate::store::x;";\nconst B: &str = r#"serde::x "quoted" "#;\n',
  'src/store/ok.rs':
    'use crate::core::{op, record};\nuse dashmap::DashMap;\nmod t { use super::super::core; }\n',
  'src/binding/ok.rs': 'use napi_derive::napi;\nuse crate::{core, tokens, store};\n',
  'src/js/ok.js':
    "// require('jose')\nconst re = /['\"]/;\nconst fs = require('node:fs');\nrequire('./binding.js');\nrequire('../../package.json');\n",
  'src/js/ok.mjs': "import face from './ok.js';\nexport const { a } = face;\n",
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
    missed.push(...check(root).map((violation) => `reported what is allowed: ${violation}`));
    for (const [file = '', text = '', words = ''] of PLANTED) {
      put(file, text);
      if (!check(root).some((violation) => violation.includes(words)))
        missed.push(`not seen: "${words}" in ${JSON.stringify(text)}`);
      fs.rmSync(path.join(root, file));
      if (file in ALLOWED) put(file, ALLOWED[/** @type {keyof typeof ALLOWED} */ (file)]);
    }
  } finally {
    fs.rmSync(root, { recursive: true, force: true });
  }
  return missed;
}

if (require.main === module) {
  const selfTesting = process.argv.includes('--self-test');
  const problems = selfTesting ? selfTest() : check(path.join(__dirname, '..'));
  for (const problem of problems) console.error(problem);
  if (problems.length > 0) process.exitCode = 1;
  else
    console.log(
      selfTesting
        ? `every one of ${PLANTED.length} planted violations is seen`
        : 'imports keep their direction',
    );
}
