// Fences, the table of fencing tokens that an Auth has seen. The last 10,000 keys have their own entry. One floor
// covers all older keys.
'use strict';

const assert = require('node:assert/strict');
const { it } = require('node:test');
const { Fences } = require('../src/js/turns/turns.js');

const MOST = 10_000;

/** @param {Fences} fences @param {number} from @param {number} count @param {(n: number) => number} [fence] */
function noteMany(fences, from, count, fence = (n) => n) {
  for (let n = from; n < from + count; n++) fences.note(`key-${n}`, fence(n));
}

it('a key that was never seen has no fence', () => {
  const fences = new Fences();
  fences.note('other', 7);
  assert.equal(fences.seen('key'), 0);
});

it('the highest fence of a key counts, in any order of arrival', () => {
  const fences = new Fences();
  for (const fence of [5, 9, 3]) fences.note('key', fence);
  assert.equal(fences.seen('key'), 9);
});

it('each of the last 10,000 keys has its own fence', () => {
  const fences = new Fences();
  noteMany(fences, 1, MOST);
  for (let n = 1; n <= MOST; n++) assert.equal(fences.seen(`key-${n}`), n);
});

it('the fence of a removed key becomes the floor for all keys without an entry', () => {
  const fences = new Fences();
  fences.note('high', 1_000_000);
  noteMany(fences, 1, MOST - 1);
  assert.equal(fences.seen('never seen'), 0);
  fences.note('one more', 5);
  assert.deepEqual([fences.seen('high'), fences.seen('never seen')], [1_000_000, 1_000_000]);
  assert.deepEqual([fences.seen('key-1'), fences.seen('one more')], [1, 5]);
});

it('the floor is the highest fence of all removed keys', () => {
  const fences = new Fences();
  noteMany(fences, 1, 3 * MOST, (n) => (n === 500 ? 1_000_000 : n));
  assert.equal(fences.seen('key-1'), 1_000_000);
  assert.equal(fences.seen(`key-${3 * MOST}`), 3 * MOST);
});

it('the key that was used last is removed last', () => {
  const fences = new Fences();
  noteMany(fences, 1, MOST);
  fences.note('key-1', 20_000);
  fences.note('one more', 5);
  assert.equal(fences.seen('key-1'), 20_000);
  assert.equal(fences.seen('key-2'), 2, 'the floor equals its own fence');
  assert.equal(fences.seen('never seen'), 2);
});
