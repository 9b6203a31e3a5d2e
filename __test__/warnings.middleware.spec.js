// Process warnings that a client can cause repeatedly: the limit per minute, and the count of suppressed warnings.
'use strict';

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const { serve } = require('./support/app.js');
const { open, unique } = require('./support/auths.js');
const { get } = require('./support/http.js');
const { token } = require('./support/jwt.js');
const { keyEndpoint, pair } = require('./support/key-endpoint.js');
const { parse } = require('./support/prometheus.js');
const { steerTimers } = require('./support/timers.js');

const MINUTE = 60_000;
const MOST = 10;
const REQUESTS = 100;

/**
 * Collects the emitted texts of all warnings with this code. A minute begins with the test.
 * @param {import('node:test').TestContext} t @param {string} code
 */
function warned(t, code) {
  const tick = steerTimers(t);
  /** @type {string[]} */
  const texts = [];
  t.mock.method(process, 'emitWarning', (/** @type {string} */ text, /** @type {any} */ options) => {
    assert.equal(options.type, 'LatchgateWarning');
    if (options.code === code) texts.push(text);
  });
  // No minute of this test may continue in another test.
  t.after(() => {
    for (let minutes = 0; minutes < 3; minutes++) tick(MINUTE);
  });
  return { tick, texts, taken: () => texts.splice(0) };
}

/** @param {number} count */
const leftOut = (count) => `${count} more warnings of this code were left out in the last minute`;

/** @param {import('latchgate').Auth} auth @param {string} code */
const counted = (auth, code) => parse(auth.metrics()).get(`latchgate_warnings_total{code="${code}"}`);

describe('warnings are limited in number, and all of them are counted:', () => {
  for (const [what, listener] of /** @type {Array<[string, () => unknown]>} */ ([
    ['throws', () => assert.fail('mine')],
    ['rejects', () => Promise.reject(new Error('mine'))],
  ]))
    it(`a listener that ${what} at each request`, async (t) => {
      const { tick, taken } = warned(t, 'LATCHGATE_LISTENER');
      const auth = open(t);
      auth.on('denied', listener);
      const port = await serve(t, (app) => app.get('/', auth.middleware(), (_req, res) => res.json(1)));
      const flood = async () => {
        for (let i = 0; i < REQUESTS; i++) assert.equal((await get(port, '/')).status, 401);
      };
      await flood();
      assert.deepEqual(
        new Set(taken()),
        new Set(
          ['a listener threw AssertionError: mine', 'a listener threw Error: mine'].filter((text) =>
            text.includes(what === 'throws' ? 'Assertion' : ' Error'),
          ),
        ),
      );
      await flood();
      assert.deepEqual(taken(), [], 'the limit of this minute is reached');
      tick(MINUTE);
      assert.deepEqual(taken(), [leftOut(2 * REQUESTS - MOST)]);
      await flood();
      assert.equal(taken().length, MOST - 1, 'the warning with the count uses one place of the limit');
      tick(MINUTE);
      assert.deepEqual(taken(), [leftOut(REQUESTS - MOST + 1)]);
      tick(MINUTE);
      tick(MINUTE);
      assert.deepEqual(taken(), [], 'no warning was suppressed');
      assert.equal(counted(auth, 'LATCHGATE_LISTENER'), 3 * REQUESTS);
    });

  it('a refundOn that throws at each request', async (t) => {
    const { tick, taken } = warned(t, 'LATCHGATE_REFUND');
    const auth = open(t);
    const text = token({ sub: unique(), sid: 's' });
    const quota = { limit: 1_000_000, refundOn: () => assert.fail('mine') };
    const port = await serve(t, (app) =>
      app.get('/', auth.middleware({ quota }), (_req, res) => res.json(1)),
    );
    for (let i = 0; i < REQUESTS; i++) assert.equal((await get(port, '/', text)).status, 200);
    while (counted(auth, 'LATCHGATE_REFUND') !== REQUESTS) await new Promise(setImmediate);
    assert.deepEqual(taken(), Array(MOST).fill('the charge of a request was not refunded: mine'));
    tick(MINUTE);
    assert.deepEqual(taken(), [leftOut(REQUESTS - MOST)]);
  });

  it('invalid keys of an endpoint', async (t) => {
    const { tick, taken } = warned(t, 'LATCHGATE_KEYS');
    const good = pair('good');
    const endpoint = await keyEndpoint(t, good);
    endpoint.body = JSON.stringify({ keys: [good.jwk, ...Array(5000).fill(null)] });
    const auth = open(t, { jwt: { jwksUri: endpoint.url } });
    await auth.ready();
    assert.equal(taken().length, MOST);
    tick(MINUTE);
    assert.deepEqual(taken(), [leftOut(5000 - MOST)]);
  });

  it('each code has its own limit', async (t) => {
    const { texts } = warned(t, 'LATCHGATE_LISTENER');
    const auth = open(t);
    const endpoint = await keyEndpoint(t);
    endpoint.body = JSON.stringify({ keys: Array(50).fill(7) });
    await assert.rejects(open(t, { jwt: { jwksUri: endpoint.url } }).ready());
    auth.on('denied', () => assert.fail('mine'));
    await auth.authenticate({});
    assert.deepEqual(texts, ['a listener threw AssertionError: mine']);
  });
});
