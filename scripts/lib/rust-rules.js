// The rules for imports between Rust files: storeys, the order of folders, circles, and the place of an impl.
// Each violation has a key without line numbers, so that scripts/known-imports.json can name it.
'use strict';

const { circleViolations } = require('./circles.js');
const { read } = require('./files.js');
const { cratesOf, pathOf, readRust } = require('./rust-imports.js');

/** @typedef {import('./circles.js').Violation} Violation */
/** @typedef {import('./rust-imports.js').Reference} Reference */
/** @typedef {import('./rust-imports.js').Impl} Impl */

/** The storeys and crates that each storey may import; `crates: null` means any that Cargo.toml names. */
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

/**
 * The order within a storey. A file or folder may import the entries of the lines above its own line, and no other entry
 * of its own line. The mod.rs of the folder comes last: it may import everything, and nothing in the folder imports it.
 * @type {Record<string, string[][]>}
 */
const ORDERS = {
  'src/core': [
    ['base', 'script.rs'],
    ['session', 'revocation', 'quota'],
    ['request'],
    ['api_key', 'family', 'counter', 'turn'],
    // The list of operations names the types of every domain. The rules of a decision do not know the list.
    ['decision', 'op.rs'],
    ['record.rs', 'store.rs'],
  ],
  'src/store': [
    ['settings.rs', 'named.rs', 'shared_users.rs'],
    ['memory', 'shadow', 'redis'],
    // The registry opens the stores for tests too, by their URL: they come before it.
    ['testing.rs'],
    ['registry.rs'],
  ],
  'src/store/redis': [
    ['net'],
    ['protocol'],
    ['endpoint'],
    ['connection'],
    ['pubsub.rs'],
    ['cluster'],
    ['fuzzing.rs'],
  ],
  'src/tokens': [
    ['encoding.rs', 'random.rs', 'strict_json.rs', 'identity.rs'],
    ['jwt', 'opaque', 'request'],
  ],
  'src/binding': [
    ['convert.rs', 'clock.rs'],
    ['io'],
    ['config.rs'],
    ['results'],
    ['flows'],
    ['runtime'],
    ['methods'],
  ],
};

/** @param {string} file */
const storeyOf = (file) => file.split('/')[1] ?? '';

/** @param {Reference[]} references @returns {Violation[]} */
function storeyViolations(references) {
  return references.flatMap(({ from, line, crate, storey: target = '' }) => {
    const storey = storeyOf(from);
    const rule = STOREYS[storey];
    let words = '';
    if (crate?.startsWith('napi') && storey !== 'binding') words = `only src/binding may use ${crate}`;
    else if (rule && crate && rule.crates && !rule.crates.includes(crate))
      words = `${storey} may not use the crate ${crate}`;
    else if (rule && target in STOREYS && !rule.storeys.includes(target))
      words = `${storey} may not import ${target}`;
    return words ? [{ key: `${from}: ${words}`, text: `${from}:${line}: ${words}` }] : [];
  });
}

/** The entry of an ordered folder that a file belongs to: its own name, or a subfolder. @param {string} folder @param {string} file */
const entryOf = (folder, file) => file.slice(folder.length + 1).split('/')[0] ?? '';

/** @param {string[][]} order @param {string} entry */
const rankOf = (order, entry) =>
  entry === 'mod.rs' ? order.length : order.findIndex((entries) => entries.includes(entry));

/** @param {string[]} files @param {Reference[]} references @returns {Violation[]} */
function orderViolations(files, references) {
  /** @type {Violation[]} */
  const violations = [];
  for (const [folder, order] of Object.entries(ORDERS)) {
    const isInside = (/** @type {string} */ file) => file.startsWith(`${folder}/`);
    const entries = new Set(files.filter(isInside).map((file) => entryOf(folder, file)));
    for (const entry of entries) {
      const words = `${folder}/${entry} has no place in the order of scripts/lib/rust-rules.js`;
      if (rankOf(order, entry) < 0) violations.push({ key: words, text: words });
    }
    for (const { from, file: to, line, isTest } of references) {
      if (isTest || !to || !isInside(from) || !isInside(to)) continue;
      const [one, other] = [entryOf(folder, from), entryOf(folder, to)];
      if (one === other || rankOf(order, one) > rankOf(order, other)) continue;
      violations.push({
        key: `order: ${from} -> ${to}`,
        text: `${from}:${line}: ${one} may not import ${other} (${to}): the order in ${folder} is ${written(order)}`,
      });
    }
  }
  return violations;
}

/** @param {string[][]} order */
const written = (order) =>
  order.map((entries) => (entries.length > 1 ? `{${entries.join(', ')}}` : entries[0])).join(' < ');

/** Whether a module is the module of a file, or below it. @param {string[]} place @param {string} file */
const isWithin = (place, file) => pathOf(file).every((name, index) => place[index] === name);

/**
 * A method call names no file. If every impl of a type is in the type's own file, in the modules below it, or with the
 * trait, the import of the type is enough, and no circle can hide behind a method.
 * @param {Impl[]} impls @returns {Violation[]}
 */
function implViolations(impls) {
  return impls.flatMap(({ file, line, type, place, typeFile, traitFiles }) => {
    const homes = [...(typeFile ? [typeFile] : []), ...traitFiles];
    if (homes.length === 0 || homes.some((home) => isWithin(place, home))) return [];
    const words = `impl ${type} outside ${homes.join(' and ')}`;
    return [{ key: `${file}: ${words}`, text: `${file}:${line}: ${words}, or a module below it` }];
  });
}

/** @param {string} root @returns {Violation[]} */
function checkRust(root) {
  const crates = cratesOf(read(root, 'Cargo.toml'));
  for (const name of ['napi', 'napi_derive']) crates.add(name);
  const { files, references, impls } = readRust(root, crates);
  /** @type {Map<string, Set<string>>} */
  const graph = new Map();
  for (const { from, file: to, isTest } of references)
    if (to && !isTest) graph.set(from, (graph.get(from) ?? new Set()).add(to));
  return [
    ...storeyViolations(references),
    ...orderViolations(files, references),
    ...implViolations(impls),
    ...circleViolations(graph),
  ];
}

/** One planted file for each rule, and the words that its report must hold. */
const PLANTED_RUST = [
  ['src/core/record.rs', 'use crate::store::Memory;\n', 'core may not import store'],
  ['src/core/record.rs', 'use std::fmt;\nuse serde::Serialize;\n', 'core may not use the crate serde'],
  [
    'src/core/record.rs',
    'fn f() { let _ = jsonwebtoken::decode(); }\n',
    'core may not use the crate jsonwebtoken',
  ],
  ['src/core/record.rs', 'mod tests { use super::super::super::tokens::x; }\n', 'core may not import tokens'],
  ['src/core/base/b.rs', 'use super::super::super::binding::x;\n', 'core may not import binding'],
  [
    'src/store/named.rs',
    "fn f<'a>(s: &'a str) { crate::tokens::keys::read(s) }\n",
    'store may not import tokens',
  ],
  ['src/store/named.rs', 'use crate::{core::op, binding::{gate}};\n', 'store may not import binding'],
  ['src/tokens/random.rs', 'use crate :: store :: Memory;\n', 'tokens may not import store'],
  ['src/tokens/random.rs', '#[napi]\npub fn f() {}\n', 'only src/binding may use napi'],
  ['src/lib.rs', 'use napi_derive::napi;\n', 'only src/binding may use napi_derive'],
  ['src/core/base/b.rs', 'use crate::core::op::Op;\n', 'base may not import op.rs'],
  ['src/core/base/b.rs', 'use crate::core::Renamed;\n', 'base may not import op.rs'],
  [
    'src/core/session/table.rs',
    'fn f(quota: &crate::core::quota::Quota) {}\n',
    'session may not import quota',
  ],
  ['src/core/misplaced.rs', 'pub fn f() {}\n', 'src/core/misplaced.rs has no place in the order'],
  [
    'src/core/base/clock.rs',
    'pub struct Clock;\nuse super::hash::Hash;\n',
    'circle of 2 files: src/core/base/clock.rs -> src/core/base/hash.rs',
  ],
  [
    'src/core/base/clock.rs',
    'pub struct Clock;\nfn f() { super::hash::of(Clock) }\n',
    'src/core/base/hash.rs -> src/core/base/clock.rs',
  ],
  [
    'src/tokens/jwt/deep/two.rs',
    'use super::super::leaf::Leaf;\n',
    'circle of 2 folders: src/tokens/jwt/deep/ -> src/tokens/jwt/leaf.rs',
  ],
  [
    'src/core/quota/mod.rs',
    'pub struct Quota;\nimpl super::op::Op { fn f() {} }\n',
    'impl Op outside src/core/op.rs',
  ],
  [
    'src/core/record.rs',
    "impl<'a> From<u8> for super::op::Op<'a> where u8: Copy { }\n",
    'impl Op outside src/core/op.rs',
  ],
];

/** Imports that are allowed, and prose that only looks like one. @type {Record<string, string>} */
const ALLOWED_RUST = {
  'Cargo.toml':
    '[dependencies]\nserde = "1"\njsonwebtoken = { version = "11" }\n[dev-dependencies]\nproptest = "1"\n',
  'src/lib.rs': 'pub mod core;\n',
  'src/core/mod.rs': 'pub mod op;\npub use op::Op as Renamed;\n',
  'src/core/op.rs':
    '//! not `use crate::store`\nuse std::fmt;\n/* use serde::x; /* nested */ */\npub struct Op;\nimpl crate::core::quota::Limit for Op {}\n',
  'src/core/quota/mod.rs': 'pub struct Quota;\npub trait Limit {}\nimpl Limit for u64 {}\n',
  'src/core/base/hash.rs':
    'use super::clock::Clock;\npub struct Hash;\n#[cfg(test)]\nmod tests { use super::super::digest::Digest; impl super::super::clock::Clock {} }\n',
  'src/core/base/clock.rs': 'pub struct Clock;\n',
  'src/core/base/digest.rs': 'use super::hash::*;\npub struct Digest;\nmod below { impl super::Digest {} }\n',
  'src/core/store.rs': 'const A: &str = "use crate::store::x;";\nconst B: &str = r#"serde::x "quoted" "#;\n',
  'src/store/named.rs':
    'use crate::core::{op, record};\nuse dashmap::DashMap;\nmod t { use super::super::core; }\n',
  'src/tokens/jwt/leaf.rs': 'pub struct Leaf;\nuse super::deep::one::One;\n',
  'src/tokens/jwt/deep/one.rs': 'pub struct One;\nfn f() -> impl Fn() { || () }\n',
  'src/binding/convert.rs':
    'use napi_derive::napi;\nuse crate::{core, tokens, store};\nstruct Native;\nimpl From<Native> for crate::core::op::Op {}\n',
};

module.exports = { checkRust, PLANTED_RUST, ALLOWED_RUST };
