// Several requests share one charge through an idempotency key. If all of them fail, the charge is refunded. If one
// request succeeds, the charge stays.
'use strict';

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const { EXPRESS, serve } = require('./support/app.js');
const { open, unique } = require('./support/auths.js');
const { send } = require('./support/http.js');
const { token } = require('./support/jwt.js');
const { until } = require('./support/started.js');

/** @param {import('./support/http.js').Answer} answer */
const left = (answer) => Number(/;r=(\d+)/.exec(answer.header('RateLimit') ?? '')?.[1]);
const byHeader = (/** @type {any} */ req) => req.get('Idempotency-Key');
const refundOn = (/** @type {any} */ res) => res.statusCode >= 500;

for (const { name, express } of EXPRESS) {
  describe(`on ${name} requests under one idempotency key`, () => {
    for (const [what, holder] of /** @type {Array<[string, { by?: () => string }]>} */ ([
      ['the user', {}],
      ['somebody else', { by: () => 'all' }],
    ])) {
      it(`refund the charge of ${what} after all of them failed`, async (t) => {
        const auth = open(t);
        const text = token({ sub: unique(), sid: 's' });
        /** @type {Map<string, import('express').Response>} */
        const open_ = new Map();
        const quota = { limit: 5, name: 'n', ...holder, idempotencyKey: byHeader, refundOn };
        const port = await serve(
          t,
          (app) => {
            app.get('/look', auth.middleware({ quota: { ...quota, cost: 0 } }), (_req, res) => res.json(1));
            app.get(
              '/:name',
              auth.middleware({ quota }),
              (req, res) => void open_.set(String(req.params.name), res),
            );
          },
          express,
        );
        /** @param {string} path @param {string} [key] */
        const ask = (path, key) => {
          const headers = [`Authorization: Bearer ${text}`];
          return send(port, {
            path,
            headers: key === undefined ? headers : [...headers, `Idempotency-Key: ${key}`],
          });
        };
        const begun = async (/** @type {string} */ name, /** @type {string} */ key) => {
          const answer = ask(`/${name}`, key);
          await until('the request is inside', async () => open_.has(name));
          return async (/** @type {number} */ status) => {
            open_.get(name)?.status(status).end();
            return (await answer).status;
          };
        };
        const end = await Promise.all(['a', 'b', 'c'].map((name) => begun(name, 'i')));
        assert.equal(left(await ask('/look')), 4);
        assert.equal(await end[0](500), 500);
        assert.equal(await end[1](200), 200);
        assert.equal(await end[2](500), 500);
        // Later requests are decided later. A refund would be visible by then.
        await Promise.all((await Promise.all([begun('d', 'j'), begun('e', 'j')])).map((over) => over(500)));
        await until('the last request caused the refund', async () => left(await ask('/look')) === 4);
        assert.equal(await (await begun('f', 'i'))(200), 200);
        assert.equal(left(await ask('/look')), 4, 'one request succeeded, so the charge stays');
      });
    }
  });
}
