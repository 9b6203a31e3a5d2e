// Reads the Rust modules below src: the items each file defines, what it imports, and its impls.
// A name resolves to the file that defines it, through `use` aliases, re-exports and globs.
// It expands no macros and infers no types: a method call names no file. rust-rules.js forbids distant impls instead.
'use strict';

const { list, read } = require('./files.js');
const { strip } = require('./strip.js');

/**
 * A module: a file, or an inline `mod` in it. A folder without mod.rs has no file.
 * @typedef {object} Module
 * @property {string[]} path
 * @property {string | undefined} file
 * @property {boolean} isTest
 * @property {Module | undefined} parent
 * @property {Map<string, Module>} children
 * @property {Set<string>} items
 * @property {Set<string>} inner items declared in a function body
 * @property {Map<string, string[]>} aliases
 * @property {string[][]} globs
 */
/** @typedef {{ file: string | undefined, storey: string | undefined, crate?: string }} Target */
/** @typedef {{ module: Module, route: string[], line: number, isTest: boolean }} Mention a path in the code */
/** @typedef {{ from: string, line: number, isTest: boolean } & Target} Reference */
/** @typedef {{ file: string, line: number, type: string, place: string[], typeFile?: string | undefined, traitFiles: string[] }} Impl */
/** @typedef {{ module: Module, header: string, line: number }} RawImpl */

const VISIBILITY = String.raw`(?:pub\s*(?:\([^)]*\)\s*)?)?`;
const TOKEN = new RegExp(
  [
    String.raw`#!?\[\s*(?<attribute>\w+)(?<test>\s*\(\s*(?:all\s*\(\s*)?test\b)?`,
    String.raw`\bmod\s+(?<mod>\w+)\s*(?<body>[{;])`,
    String.raw`\b${VISIBILITY}use\s+(?<use>[^;]+);`,
    String.raw`\bextern\s+crate\s+(?<extern>\w+)`,
    String.raw`\bmacro_rules!\s*(?<macro>\w+)`,
    String.raw`(?<!['*]\s*)\b(?:fn|struct|enum|trait|type|const|static)\s+(?!(?:fn|unsafe|async|extern|mut|_)\b)(?<item>\w+)`,
    String.raw`\b(?<impl>impl)\b`,
    String.raw`(?<path>(?:::\s*)?\b\w+(?:\s*::\s*\w+)+)`,
    '(?<mark>[{};])',
  ].join('|'),
  'g',
);

/** `use a::{b, c::{d as e}}` -> [a::b, b], [a::c::d, e] @param {string} tree @returns {Array<{ route: string[], name: string }>} */
function expandUse(tree) {
  const open = tree.indexOf('{');
  if (open < 0) {
    const [written = '', alias] = tree.trim().split(/\s+as\s+/);
    const route = written.replace(/\s+/g, '').split('::');
    if (route.at(-1) === 'self' && route.length > 1) route.pop();
    return [{ route, name: alias?.trim() ?? route.at(-1) ?? '' }];
  }
  const head = tree.slice(0, open).replace(/\s+/g, '');
  const parts = [''];
  let depth = 0;
  for (const char of tree.slice(open + 1, tree.lastIndexOf('}'))) {
    if (char === '{') depth++;
    if (char === '}') depth--;
    if (char === ',' && depth === 0) parts.push('');
    else parts[parts.length - 1] += char;
  }
  return parts.filter((part) => part.trim() !== '').flatMap((part) => expandUse(head + part.trim()));
}

/** src/core/rules/mod.rs -> ['core', 'rules'] @param {string} file */
function pathOf(file) {
  const parts = file
    .replace(/^src\//, '')
    .replace(/\.rs$/, '')
    .split('/');
  if (parts.at(-1) === 'mod' || parts.at(-1) === 'lib') parts.pop();
  return parts;
}

/** @param {string[]} route @param {Module | undefined} parent @returns {Module} */
const newModule = (route, parent) => ({
  path: route,
  file: parent?.file,
  isTest: parent?.isTest ?? false,
  parent,
  children: new Map(),
  items: new Set(),
  inner: new Set(),
  aliases: new Map(),
  globs: [],
});

/** @param {Module} parent @param {string} name */
function childOf(parent, name) {
  let child = parent.children.get(name);
  if (!child) {
    child = newModule([...parent.path, name], parent);
    parent.children.set(name, child);
  }
  return child;
}

/** Reads one file into the tree of modules. */
class Reader {
  /** @param {Module} module @param {string} code without comments and strings */
  constructor(module, code) {
    this.code = code;
    this.lineStarts = [0];
    for (const match of code.matchAll(/\n/g)) this.lineStarts.push(match.index + 1);
    /** The open braces: the module and the kind of code in each. @type {Array<{ module: Module, isTest: boolean }>} */
    this.open = [{ module, isTest: module.isTest }];
    /** An attribute said that the item that follows is for tests only. */
    this.isTestNext = false;
    /** @type {Mention[]} */
    this.mentions = [];
    /** @type {RawImpl[]} */
    this.impls = [];
  }

  get scope() {
    return /** @type {{ module: Module, isTest: boolean }} */ (this.open.at(-1));
  }

  /** Between items, not in a function or a type. */
  get isTopLevel() {
    return this.open.length === 1 || this.open.at(-2)?.module !== this.scope.module;
  }

  /** @param {number} index */
  lineAt(index) {
    let low = 0;
    let high = this.lineStarts.length;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if ((this.lineStarts[middle] ?? 0) <= index) low = middle;
      else high = middle;
    }
    return low + 1;
  }

  /** @param {string[]} route @param {number} index */
  mention(route, index) {
    const { module, isTest } = this.scope;
    this.mentions.push({ module, route, line: this.lineAt(index), isTest: isTest || this.isTestNext });
  }

  read() {
    for (const match of this.code.matchAll(TOKEN)) this.take(match.groups ?? {}, match.index);
    return this;
  }

  /** @param {Record<string, string | undefined>} groups @param {number} index */
  take(groups, index) {
    const { module } = this.scope;
    if (groups.attribute) {
      this.mention([groups.attribute], index);
      if (groups.test && groups.attribute === 'cfg') this.isTestNext = true;
    } else if (groups.mod) {
      this.takeModule(groups.mod, groups.body === '{');
    } else if (groups.use) {
      this.takeUse(groups.use, index);
    } else if (groups.extern) {
      this.mention(['', groups.extern], index);
    } else if (groups.item ?? groups.macro) {
      (this.isTopLevel ? module.items : module.inner).add(groups.item ?? groups.macro ?? '');
    } else if (groups.impl) {
      this.takeImpl(index);
    } else if (groups.path) {
      this.mention(groups.path.replace(/\s+/g, '').split('::'), index);
    } else {
      this.takeMark(groups.mark ?? '');
    }
  }

  /** @param {string} name @param {boolean} isInline */
  takeModule(name, isInline) {
    const { module, isTest } = this.scope;
    const child = childOf(module, name);
    if (isTest || this.isTestNext) child.isTest = true;
    this.isTestNext = false;
    if (isInline) this.open.push({ module: child, isTest: child.isTest });
  }

  /** @param {string} tree @param {number} index */
  takeUse(tree, index) {
    const { module } = this.scope;
    for (const { route, name } of expandUse(tree)) {
      if (name === '*') {
        route.pop();
        module.globs.push(route);
      } else if (name !== '_') {
        module.aliases.set(name, route);
      }
      this.mention(route, index);
    }
    this.isTestNext = false;
  }

  /** Keeps an `impl` that begins an item; `impl Trait` in a type does not. @param {number} index */
  takeImpl(index) {
    const before = this.code.slice(0, index).trimEnd();
    const isItem = before === '' || /[{};\]]$|\bunsafe$/.test(before);
    if (!isItem || this.scope.isTest || this.isTestNext) return;
    const end = this.code.indexOf('{', index);
    const header = this.code.slice(index + 'impl'.length, end < 0 ? undefined : end);
    this.impls.push({ module: this.scope.module, header, line: this.lineAt(index) });
  }

  /** @param {string} mark */
  takeMark(mark) {
    if (mark === '{') this.open.push({ ...this.scope, isTest: this.scope.isTest || this.isTestNext });
    else if (mark === '}' && this.open.length > 1) this.open.pop();
    this.isTestNext = false;
  }
}

/** The text without its generic arguments. @param {string} text */
function withoutGenerics(text) {
  let depth = 0;
  let out = '';
  for (const char of text.replaceAll('->', '  ')) {
    if (char === '<') depth++;
    if (depth === 0) out += char;
    if (char === '>') depth--;
  }
  return out;
}

/**
 * `<T> From<a::B> for &'a Key<T> where ..` -> { traits: [[From], [a, B]], type: [Key] }: the trait and what it is given
 * @param {string} header
 */
function implHead(header) {
  const routes = (/** @type {string} */ text) =>
    [...text.replace(/'\w+|\b(?:dyn|mut)\b/g, ' ').matchAll(/(?:::)?\w+(?:\s*::\s*\w+)*/g)].map(([route]) =>
      route.replace(/\s+/g, '').split('::'),
    );
  const parts =
    withoutGenerics(header)
      .split(/\bwhere\b/)[0]
      ?.split(/\bfor\b/) ?? [];
  const type = routes(parts.at(-1) ?? '')[0] ?? [];
  return { traits: parts.length > 1 ? routes(header.split(/\bfor\s+(?!<)/)[0] ?? '') : [], type };
}

/** Resolves paths in the tree of modules. */
class Resolver {
  /** @param {Module} top @param {ReadonlySet<string>} crates */
  constructor(top, crates) {
    this.top = top;
    this.crates = crates;
  }

  /**
   * A name within a module: the module that it names, or the file that defines it.
   * @param {Module} module @param {string} name @param {Set<string>} seen
   * @returns {Module | Target | undefined}
   */
  lookup(module, name, seen) {
    const key = `${module.path.join('::')}|${name}`;
    if (seen.has(key)) return undefined;
    seen.add(key);
    const child = module.children.get(name);
    if (child) return child;
    if (module.items.has(name)) return { file: module.file, storey: module.path[0] };
    const alias = module.aliases.get(name);
    const found = alias && this.walk(module, alias, seen);
    if (found) return found;
    for (const glob of module.globs) {
      const target = this.walk(module, glob, seen);
      const inside = target && 'children' in target ? this.lookup(target, name, seen) : undefined;
      if (inside) return inside;
    }
    return undefined;
  }

  /**
   * @param {Module} from @param {string[]} route @param {Set<string>} seen
   * @returns {Module | Target | undefined} undefined for a name that is not of this crate, nor of one it depends on
   */
  walk(from, route, seen) {
    const [first = '', ...rest] = route;
    /** @type {Module | Target | undefined} */
    let at;
    if (first === 'crate') at = this.top;
    else if (first === 'self') at = from;
    else if (first === 'super') at = from.parent;
    else if (first !== '') at = this.lookup(from, first, seen);
    if (!at) {
      const crate = first === '' ? rest[0] : first;
      return crate !== undefined && this.crates.has(crate)
        ? { file: undefined, storey: undefined, crate }
        : undefined;
    }
    for (const name of rest) {
      if (!('children' in at)) return at;
      /** @type {Module} */
      const here = at;
      const next = name === 'super' ? here.parent : name === 'self' ? here : this.lookup(here, name, seen);
      // A name that is not found is one that a macro makes, or a module that is absent.
      at = next ?? { file: here.file, storey: here.path[0] ?? name };
    }
    return at;
  }

  /** @param {Module} from @param {string[]} route @returns {Target | undefined} */
  resolve(from, route) {
    const found = this.walk(from, route, new Set());
    if (!found || !('children' in found)) return found;
    return { file: found.file, storey: found.path[0] };
  }
}

/** @param {Resolver} resolver @param {RawImpl} impl @returns {Impl | undefined} */
function resolveImpl(resolver, { module, header, line }) {
  const { traits, type } = implHead(header);
  const [name = ''] = type;
  if (type.length === 1 && module.inner.has(name)) return undefined;
  const typeFile = resolver.resolve(module, type)?.file;
  const traitFiles = traits.flatMap((trait) => resolver.resolve(module, trait)?.file ?? []);
  return { file: module.file ?? '', line, type: type.at(-1) ?? '', place: module.path, typeFile, traitFiles };
}

/**
 * @param {string} root
 * @param {ReadonlySet<string>} crates names of outside crates, as code spells them
 * @returns {{ files: string[], references: Reference[], impls: Impl[] }} paths below the root, such as src/core/op.rs
 */
function readRust(root, crates) {
  const files = list(root, 'src', ['.rs']);
  const top = newModule([], undefined);
  /** @type {Array<{ module: Module, file: string }>} */
  const modules = files.map((file) => {
    let module = top;
    for (const name of pathOf(file)) module = childOf(module, name);
    return { module, file };
  });
  for (const { module, file } of modules) module.file = file;
  // Parents first, so that `#[cfg(test)] mod tests;` reaches the file that it names.
  modules.sort((a, b) => a.module.path.length - b.module.path.length);
  const readers = modules.map(({ module, file }) =>
    new Reader(module, strip(read(root, file), 'rs', { strings: true })).read(),
  );
  const resolver = new Resolver(top, crates);
  const references = readers
    .flatMap((reader) => reader.mentions)
    .flatMap(({ module, route, line, isTest }) => {
      const target = resolver.resolve(module, route);
      const from = module.file ?? '';
      return target && target.file !== from ? [{ from, line, isTest, ...target }] : [];
    });
  const impls = readers
    .flatMap((reader) => reader.impls)
    .flatMap((impl) => resolveImpl(resolver, impl) ?? []);
  return { files, references, impls };
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

module.exports = { readRust, cratesOf, pathOf };
