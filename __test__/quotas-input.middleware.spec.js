// Input that auth.quotas refuses immediately, by name: invalid keys, rules, units, idempotency keys and receipts.
'use strict';

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const { fault, open } = require('./support/auths.js');

const MAX = Number.MAX_SAFE_INTEGER;

describe('auth.quotas', () => {
  /** @type {Array<[string, (quotas: any) => Promise<unknown>, string, RegExp]>} */
  const BAD = [
    ['an empty key', (quotas) => quotas.consume('', { limit: 1 }), 'INPUT', /key/],
    ['a key too long', (quotas) => quotas.peek('é'.repeat(257), { limit: 1 }), 'INPUT', /key/],
    ['an ill-formed key', (quotas) => quotas.reset('\ud800'), 'INPUT', /key/],
    ['no key', (quotas) => quotas.reset(), 'INPUT', /key/],
    ['no rule', (quotas) => quotas.consume('k'), 'INPUT', /rule/],
    ['a rule of null', (quotas) => quotas.peek('k', null), 'INPUT', /rule/],
    ['a limit of 0', (quotas) => quotas.consume('k', { limit: 0 }), 'INPUT', /rule\.limit/],
    ['an unknown member', (quotas) => quotas.consume('k', { limit: 1, by: 'user' }), 'INPUT', /rule/],
    ...[-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, MAX + 1, '1', null].map(
      (cost) =>
        /** @type {[string, (quotas: any) => Promise<unknown>, string, RegExp]} */ ([
          `a cost of ${cost}`,
          (quotas) => quotas.consume('k', { limit: 3 }, { cost }),
          'INPUT',
          /cost/,
        ]),
    ),
    ['an unknown option', (quotas) => quotas.consume('k', { limit: 1 }, { costs: 1 }), 'INPUT', /cost/],
    [
      'a bucket finer than the clock',
      (quotas) => quotas.peek('k', { limit: 1001, window: 1, algorithm: 'bucket' }),
      'INPUT',
      /rule\.limit.*microseconds/,
    ],
    ...['', 'x'.repeat(513), '\ud800', 7].map(
      (idempotencyKey) =>
        /** @type {[string, (quotas: any) => Promise<unknown>, string, RegExp]} */ ([
          `the idempotencyKey ${String(idempotencyKey).slice(0, 9)}`,
          (quotas) => quotas.consume('k', { limit: 1 }, { idempotencyKey }),
          'INPUT',
          /idempotencyKey/,
        ]),
    ),
    ['a top-up of a window', (quotas) => quotas.add('k', { limit: 1, window: 1 }, 1), 'INPUT', /balance/],
    ...[0, -1, 1.5, Number.NaN, MAX + 1, '1', undefined].map(
      (units) =>
        /** @type {[string, (quotas: any) => Promise<unknown>, string, RegExp]} */ ([
          `a top-up by ${units}`,
          (quotas) => quotas.add('k', { limit: 1 }, units),
          'INPUT',
          /units/,
        ]),
    ),
    ['a top-up beyond 2^53 - 1', (quotas) => quotas.add('k', { limit: 1 }, MAX), 'INPUT', /units/],
    [
      'an unknown option of a top-up',
      (quotas) => quotas.add('k', { limit: 1 }, 1, { cost: 1 }),
      'INPUT',
      /cost/,
    ],
    ...[undefined, 7, '', '.', 'x'.repeat(5000), 'a.b.c'].map(
      (receipt) =>
        /** @type {[string, (quotas: any) => Promise<unknown>, string, RegExp]} */ ([
          `the receipt ${String(receipt).slice(0, 9)}`,
          (quotas) => quotas.refund(receipt),
          'INPUT',
          /receipt/,
        ]),
    ),
  ];
  for (const [what, call, code, message] of BAD) {
    it(`rejects ${what}`, async (t) => {
      await assert.rejects(call(open(t).quotas), fault(code, message));
    });
  }
});
