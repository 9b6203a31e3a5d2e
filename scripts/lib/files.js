// Walks the tree for the checks. Knows what is generated or foreign, and leaves it out.
'use strict';

const fs = require('node:fs');
const path = require('node:path');

const SKIPPED_DIRECTORIES = new Set(['node_modules', 'target', 'dist', '.git']);
const GENERATED = new Set(['src/js/binding.js', 'src/js/binding.d.ts']);

/**
 * Files below `directory` whose name ends in one of `extensions`, relative to `root`, with forward slashes, sorted.
 * A directory that does not exist holds none.
 * @param {string} root
 * @param {string} directory
 * @param {string[]} extensions
 * @returns {string[]}
 */
function list(root, directory, extensions) {
  const start = path.join(root, directory);
  if (!fs.existsSync(start)) return [];
  /** @type {string[]} */
  const found = [];
  for (const entry of fs.readdirSync(start, { withFileTypes: true })) {
    const name = directory === '' ? entry.name : `${directory}/${entry.name}`;
    if (entry.isDirectory()) {
      if (!SKIPPED_DIRECTORIES.has(entry.name)) found.push(...list(root, name, extensions));
    } else if (extensions.some((extension) => name.endsWith(extension)) && !GENERATED.has(name)) {
      found.push(name);
    }
  }
  return found.sort();
}

/** @param {string} root @param {string} name */
const read = (root, name) => fs.readFileSync(path.join(root, name), 'utf8');

module.exports = { list, read };
