// Preload (node --require) that counts assertions. On exit each process adds a line with its number to the file named by
// LATCHGATE_ASSERTIONS. The number counts reads of a function of node:assert, such as `assert.equal` in `assert.equal(a, b)`.
// A wrapper around the function would show in stack traces, and in messages that are derived from them.
'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
// Reads functions of node:assert when it is loaded: here, before they count.
require('node:test');

const file = process.env.LATCHGATE_ASSERTIONS;
let count = 0;

/** @param {any} target */
function countReads(target) {
  for (const name of Object.keys(target)) {
    const original = target[name];
    // `assert.strict` is a namespace, and AssertionError a class.
    if (typeof original !== 'function' || !/^[a-z]/.test(name) || name === 'strict') continue;
    Object.defineProperty(target, name, {
      configurable: true,
      enumerable: true,
      get() {
        count++;
        return original;
      },
    });
  }
}

if (file !== undefined) {
  countReads(assert);
  countReads(assert.strict);
  process.on('exit', () => {
    if (count > 0) fs.appendFileSync(file, `${count}\n`);
  });
}
