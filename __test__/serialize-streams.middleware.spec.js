// serialize() around streamed responses: the turn lasts as long as the stream. If the stream fails, the turn lasts
// until the handler ends the response, or until maxHold.
'use strict';

const assert = require('node:assert/strict');
const { Readable, pipeline } = require('node:stream');
const { describe, it } = require('node:test');
const { EXPRESS, serve } = require('./support/app.js');
const { open, unique } = require('./support/auths.js');
const { get } = require('./support/http.js');
const { token } = require('./support/jwt.js');
const { gate, tick } = require('./support/turns.js');

const OPTIONS = { sessions: { admission: /** @type {const} */ ('first-use') } };

/** A source that fails after its first chunk. */
async function* failing() {
  yield 'some of it';
  await tick();
  throw new Error('the source has failed');
}

/** Handlers that fail after they began the response. @type {Array<[string, (res: any) => void]>} */
const FAILURES = [
  [
    'throws',
    (res) => {
      res.write('some of it');
      throw new Error('thrown');
    },
  ],
  ['is a pipeline whose source fails', (res) => void pipeline(Readable.from(failing()), res, () => {})],
];

for (const { name, express } of EXPRESS) {
  describe(`serialize() on ${name}, around a stream`, () => {
    /**
     * @param {import('node:test').TestContext} t
     * @param {(req: any, res: any) => any} handler of every path but /next
     * @param {object} [lock] LockOptions
     */
    async function site(t, handler, lock = {}) {
      const auth = open(t, OPTIONS);
      /** Events in their order. @type {string[]} */
      const order = [];
      auth.on('lock-lost', () => order.push('lost'));
      const port = await serve(
        t,
        (app) => {
          // Otherwise, Express prints the errors of the handlers.
          app.set('env', 'test');
          app.use(auth.middleware(), auth.serialize({ wait: '50s', ...lock }), (req, res) => {
            order.push(req.path);
            return req.path === '/next' ? void res.json({}) : handler(req, res);
          });
        },
        express,
      );
      return { order, port, text: token({ sub: unique(), sid: 's' }) };
    }

    it('lasts until the stream ends', async (t) => {
      const [inside, more] = [gate(), gate()];
      const { order, port, text } = await site(t, (_req, res) => {
        async function* chunks() {
          yield 'one';
          inside.open();
          await more.opened;
          order.push('streamed');
          yield 'two';
        }
        Readable.from(chunks()).pipe(res);
      });
      const stream = get(port, '/stream', text);
      await inside.opened;
      const next = get(port, '/next', text);
      for (let turn = 0; turn < 50; turn++) await tick();
      more.open();
      assert.match((await stream).body, /one/);
      assert.equal((await next).status, 200);
      assert.deepEqual(order, ['/stream', 'streamed', '/next']);
    });

    for (const [what, fail] of FAILURES) {
      it(`lasts until maxHold if the handler ${what}, although the connection is closed`, async (t) => {
        const { order, port, text } = await site(t, (_req, res) => fail(res), { maxHold: 300 });
        // The client got the first chunk. The rest was cut off.
        assert.match((await get(port, '/fails', text)).body, /some of it/);
        assert.equal((await get(port, '/next', text)).status, 200);
        assert.deepEqual(order, ['/fails', 'lost', '/next']);
      });
    }

    it('ends immediately if the handler ends the response after a failed pipeline', async (t) => {
      const { order, port, text } = await site(
        t,
        (_req, res) => pipeline(Readable.from(failing()), res, () => res.end()),
        { maxHold: '1m' },
      );
      assert.match((await get(port, '/fails', text)).body, /some of it/);
      assert.equal((await get(port, '/next', text)).status, 200);
      assert.deepEqual(order, ['/fails', '/next']);
    });
  });
}
