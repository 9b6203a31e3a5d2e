// Copies of the package in directories of their own, with or without its binary.
'use strict';

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { ROOT } = require('./child.js');

/**
 * @param {import('node:test').TestContext} t
 * @param {{ binary?: boolean }} [settings]
 * @returns {string} the directory, which is removed after the test
 */
function copyPackage(t, { binary = true } = {}) {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'latchgate-copy-'));
  t.after(() => fs.rmSync(directory, { recursive: true, force: true }));
  const filter = (/** @type {string} */ file) => binary || !file.endsWith('.node');
  fs.cpSync(path.join(ROOT, 'src', 'js'), path.join(directory, 'src', 'js'), { recursive: true, filter });
  fs.copyFileSync(path.join(ROOT, 'package.json'), path.join(directory, 'package.json'));
  return directory;
}

module.exports = { copyPackage };
