// Finds what a Rust file imports: storeys of this crate (by `crate::`, `super::`, `self::`) and outside crates.
// Follows `use` trees and paths in the code alike. Knows no macro expansion and no shadowed names.
'use strict';

const { strip } = require('./strip.js');

/** @typedef {{ kind: 'storey' | 'crate', name: string, line: number }} RustImport */

/** src/core/rules/mod.rs -> ['core', 'rules'] @param {string} file */
function moduleOf(file) {
  const parts = file
    .replace(/^src\//, '')
    .replace(/\.rs$/, '')
    .split('/');
  if (parts.at(-1) === 'mod' || parts.at(-1) === 'lib') parts.pop();
  return parts;
}

/** `use a::{b, c::{d}}` -> a::b, a::c::d @param {string} tree @returns {string[]} */
function expandUse(tree) {
  const open = tree.indexOf('{');
  if (open < 0) return [tree.replace(/\s+as\s+\w+/, '').replace(/\s+/g, '')];
  const head = tree.slice(0, open).replace(/\s+/g, '');
  const body = tree.slice(open + 1, tree.lastIndexOf('}'));
  const parts = [''];
  let depth = 0;
  for (const char of body) {
    if (char === '{') depth++;
    if (char === '}') depth--;
    if (char === ',' && depth === 0) parts.push('');
    else parts[parts.length - 1] += char;
  }
  return parts.filter((part) => part.trim() !== '').flatMap((part) => expandUse(head + part.trim()));
}

/**
 * @param {string} file path below the project's root, such as src/core/error.rs
 * @param {string} source
 * @param {ReadonlySet<string>} crates names of outside crates, as code spells them
 * @returns {RustImport[]}
 */
function rustImports(file, source, crates) {
  const code = strip(source, 'rs', { strings: true });
  /** @type {RustImport[]} */
  const found = [];
  const lineAt = (/** @type {number} */ index) => code.slice(0, index).split('\n').length;

  // Inline modules deepen `super`, so the walk keeps count of the braces that opened one.
  const token =
    /\bmod\s+(\w+)\s*\{|\buse\s+([^;]+);|\bextern\s+crate\s+(\w+)|(?:::\s*)?\b(\w+)(?:\s*::\s*\w+)+|[{}]/g;
  const here = moduleOf(file);
  /** @type {boolean[]} */
  const braces = [];

  const note = (/** @type {string} */ route, /** @type {number} */ line) => {
    const parts = route.replace(/\s+/g, '').replace(/^::/, '').split('::');
    const place = [...here];
    let first = parts.shift() ?? '';
    if (first === 'crate') {
      if (parts[0]) found.push({ kind: 'storey', name: parts[0], line });
    } else if (first === 'super' || first === 'self') {
      while (first === 'super' || first === 'self') {
        if (first === 'super') place.pop();
        first = parts.shift() ?? '';
      }
      const name = place[0] ?? first;
      if (name) found.push({ kind: 'storey', name, line });
    } else if (crates.has(first)) {
      found.push({ kind: 'crate', name: first, line });
    }
  };

  for (const match of code.matchAll(token)) {
    const line = lineAt(match.index);
    const [text, moduleName, useTree, externCrate] = match;
    if (moduleName !== undefined) {
      here.push(moduleName);
      braces.push(true);
    } else if (useTree !== undefined) {
      for (const route of expandUse(useTree)) note(route, line);
    } else if (externCrate !== undefined) {
      found.push({ kind: 'crate', name: externCrate, line });
    } else if (text === '{') {
      braces.push(false);
    } else if (text === '}') {
      if (braces.pop()) here.pop();
    } else {
      note(text, line);
    }
  }
  // Attributes name their crate without a path: #[napi], #[derive(...)] of an import are caught by the import.
  for (const match of code.matchAll(/#!?\[\s*(\w+)/g)) {
    const name = match[1] ?? '';
    if (crates.has(name)) found.push({ kind: 'crate', name, line: lineAt(match.index) });
  }
  return found;
}

/** Names of the crates in Cargo.toml's tables of dependencies, as code spells them. @param {string} manifest */
function cratesOf(manifest) {
  /** @type {Set<string>} */
  const names = new Set();
  let inside = false;
  for (const line of manifest.split('\n')) {
    const table = /^\s*\[([^\]]+)\]/.exec(line)?.[1];
    if (table !== undefined) {
      inside = /(?:^|\.)dependencies$/.test(table);
      const single = /(?:^|\.)dependencies\.([\w-]+)$/.exec(table)?.[1];
      if (single) names.add(single.replaceAll('-', '_'));
    } else if (inside) {
      const name = /^\s*([\w-]+)\s*[=.]/.exec(line)?.[1];
      if (name) names.add(name.replaceAll('-', '_'));
    }
  }
  return names;
}

module.exports = { rustImports, cratesOf };
