// The answer table for bearer tokens: status, body and every header, on both majors of Express.
'use strict';

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const { EXPRESS, serve } = require('./support/app.js');
const { open, unique } = require('./support/auths.js');
const { get, send } = require('./support/http.js');
const { SECRET, sign, fresh, token } = require('./support/jwt.js');

const REALM = 'Bearer realm="api"';

/** @typedef {import('./support/http.js').Answer} Answer */

/**
 * Every header that a denial sends. A denial must not reveal more than these headers.
 * @param {Answer} answer
 * @param {number} status
 * @param {string} code
 * @param {string} [challenge]
 */
function assertDenied(answer, status, code, challenge) {
  assert.equal(answer.status, status);
  assert.equal(answer.body, JSON.stringify({ error: code }));
  assert.equal(answer.header('WWW-Authenticate'), challenge);
  assert.equal(answer.header('Cache-Control'), 'no-store');
  assert.equal(answer.header('Content-Type'), 'application/json; charset=utf-8');
  assert.equal(answer.header('Retry-After'), undefined);
  const usual = [
    'x-powered-by',
    'cache-control',
    'content-type',
    'content-length',
    'date',
    'connection',
    'www-authenticate',
  ];
  assert.deepEqual(
    answer.names.filter((name) => !usual.includes(name)),
    [],
  );
}

/** @param {Answer} answer */
const assertMissing = (answer) => assertDenied(answer, 401, 'credentials_required', REALM);
/** @param {Answer} answer */
const assertUnreadable = (answer) =>
  assertDenied(answer, 400, 'invalid_request', `${REALM}, error="invalid_request"`);
/** @param {Answer} answer */
const assertBadToken = (answer) =>
  assertDenied(answer, 401, 'invalid_token', `${REALM}, error="invalid_token"`);

for (const { name, express } of EXPRESS) {
  describe(`on ${name}`, () => {
    /**
     * An app behind a middleware; `handled()` counts the requests that reached the handler.
     * @param {import('node:test').TestContext} t
     * @param {{ options?: import('latchgate').AuthOptions, policy?: import('latchgate').Policy, forms?: boolean }} [settings]
     */
    async function site(t, { options, policy, forms } = {}) {
      const auth = open(t, options);
      let handled = 0;
      const port = await serve(
        t,
        (app) => {
          if (forms) app.use(express.urlencoded({ extended: false }), express.json());
          app.use(auth.middleware(policy));
          app.all('/', (_req, res) => {
            handled++;
            res.json({ handled });
          });
        },
        express,
      );
      return { auth, port, handled: () => handled };
    }

    it('a valid token reaches the handler, and the response is the handler’s own', async (t) => {
      const { port } = await site(t);
      const answer = await get(port, '/', token());
      assert.equal(answer.status, 200);
      assert.equal(answer.body, '{"handled":1}');
      assert.equal(answer.header('Cache-Control'), undefined);
      assert.equal(answer.header('WWW-Authenticate'), undefined);
    });

    for (const scheme of ['bearer', 'BEARER', 'bEaReR']) {
      it(`the scheme is case-insensitive: ${scheme}`, async (t) => {
        const { port } = await site(t);
        const answer = await send(port, { headers: [`Authorization: ${scheme} ${token()}`] });
        assert.equal(answer.status, 200);
      });
    }

    /** @type {Array<[string, string[]]>} */
    const MISSING = [
      ['no Authorization header', []],
      ['an empty one', ['Authorization:']],
      ['another scheme', ['Authorization: Basic dXNlcjpwYXNz']],
      ['a scheme that only begins like Bearer', ['Authorization: Bearertoken']],
      ['a token without a scheme', [`Authorization: ${token()}`]],
      ['a token in a header of another name', [`X-Authorization: Bearer ${token()}`]],
    ];
    for (const [what, headers] of MISSING) {
      it(`${what} is 401 credentials_required with a challenge without error`, async (t) => {
        const { port, handled } = await site(t);
        assertMissing(await send(port, { headers }));
        assert.equal(handled(), 0);
      });
    }

    it('a token in the query string alone is not a credential', async (t) => {
      const { port, handled } = await site(t);
      assertMissing(await send(port, { path: `/?access_token=${token()}` }));
      assert.equal(handled(), 0);
    });

    it('a token in a form body alone is not a credential', async (t) => {
      const { port } = await site(t, { forms: true });
      const headers = ['Content-Type: application/x-www-form-urlencoded'];
      assertMissing(await send(port, { method: 'POST', headers, body: `access_token=${token()}` }));
    });

    /** @type {Array<[string, string[], string?]>} */
    const UNREADABLE = [
      ['Bearer with nothing', ['Authorization: Bearer']],
      ['two spaces before the token', [`Authorization: Bearer  ${token()}`]],
      ['a space in the token', [`Authorization: Bearer ${token()} x`]],
      ['two tokens with a comma', [`Authorization: Bearer ${token()}, Bearer ${token()}`]],
      ['a comma alone', [`Authorization: Bearer ${token()},${token()}`]],
      ['two Authorization headers', [`Authorization: Bearer ${token()}`, `Authorization: Bearer ${token()}`]],
      [
        'the same header twice in other letters',
        [`Authorization: Bearer ${token()}`, 'AUTHORIZATION: Basic eDp5'],
      ],
      [
        'a header and a token in the query',
        [`Authorization: Bearer ${token()}`],
        `/?access_token=${token()}`,
      ],
      [
        'a header and a token in the query, its name encoded',
        [`Authorization: Bearer ${token()}`],
        '/?access%5Ftoken=x',
      ],
      [
        'a header and a token behind another parameter',
        [`Authorization: Bearer ${token()}`],
        '/?a=b&access_token=x',
      ],
    ];
    for (const [what, headers, path] of UNREADABLE) {
      it(`${what} is 400 invalid_request`, async (t) => {
        const { port, handled } = await site(t);
        assertUnreadable(await send(port, { headers, path }));
        assert.equal(handled(), 0);
      });
    }

    it('a header and a token in a form is 400 invalid_request', async (t) => {
      const { port, handled } = await site(t, { forms: true });
      const headers = [`Authorization: Bearer ${token()}`, 'Content-Type: application/x-www-form-urlencoded'];
      assertUnreadable(await send(port, { method: 'POST', headers, body: `access_token=${token()}` }));
      assert.equal(handled(), 0);
    });

    it('a query parameter whose name only resembles access_token is ignored', async (t) => {
      const { port } = await site(t);
      const answer = await get(port, '/?my_access_token=1&access_tokens=2', token());
      assert.equal(answer.status, 200);
    });

    it('a member access_token of a JSON body is ignored', async (t) => {
      const { port } = await site(t, { forms: true });
      const headers = [`Authorization: Bearer ${token()}`, 'Content-Type: application/json'];
      const answer = await send(port, { method: 'POST', headers, body: '{"access_token":"x"}' });
      assert.equal(answer.status, 200);
    });

    const now = Math.floor(Date.now() / 1000);
    /** @type {Array<[string, string | Buffer]>} */
    const BAD = [
      ['a word in place of a token', 'abc'],
      ['a token with one segment too few', token().split('.').slice(0, 2).join('.')],
      ['a token signed with another secret', token({}, { key: 'x'.repeat(64) })],
      ['an expired token', token({ iat: now - 7200, exp: now - 3600 })],
      ['a token that is not valid yet', token({ nbf: now + 3600 })],
      ['a token without exp', sign({ sub: 'u', iat: now })],
      ['a token without sub', token({ sub: undefined })],
      ['a token over 8 KiB', token({ filling: 'x'.repeat(8192) })],
      ['a token in Latin-1 bytes', Buffer.from('\xe9\xff\xfe', 'latin1')],
      ['a token in UTF-8 bytes', Buffer.from('tökén')],
      ['a token with a tab in it', token().replace('.', '\t.')],
      [
        'alg none',
        `${token({}, { header: { alg: 'none' } })
          .split('.')
          .slice(0, 2)
          .join('.')}.`,
      ],
    ];
    for (const [what, text] of BAD) {
      it(`${what} is 401 invalid_token, and the response contains no part of the token`, async (t) => {
        const { port, handled } = await site(t);
        const header = Buffer.concat([Buffer.from('Authorization: Bearer '), Buffer.from(text)]);
        const answer = await send(port, { headers: [header] });
        assertBadToken(answer);
        assert.equal(handled(), 0);
      });
    }

    it('invalid, expired, revoked, ended and unknown tokens get the same response', async (t) => {
      const { auth, port } = await site(t, { options: { sessions: { admission: 'explicit' } } });
      const user = unique();
      for (const sessionId of ['live', 'ended', 'evicted']) await auth.sessions.admit(user, { sessionId });
      const revoked = token({ sub: user, sid: 'live' });
      await auth.tokens.revoke(revoked);
      await auth.sessions.end(user, 'ended');
      const tokens = [
        revoked,
        token({ sub: user, sid: 'ended' }),
        token({ sub: user, sid: 'unknown' }),
        token({ sub: user, sid: 'live', exp: now - 1, iat: now - 60 }),
        `${token({ sub: user, sid: 'live' })}x`,
      ];
      for (const text of tokens) assertBadToken(await get(port, '/', text));
      await auth.tokens.revokeUser(user);
      assertBadToken(await get(port, '/', token({ sub: user, sid: 'live', iat: now - 10 })));
    });

    it('a missing scope is 403 insufficient_scope, and the challenge names all required scopes', async (t) => {
      const { port, handled } = await site(t, { policy: { scope: ['read', 'write'] } });
      const challenge = `${REALM}, error="insufficient_scope", scope="read write"`;
      assertDenied(await get(port, '/', token({ scope: 'read' })), 403, 'insufficient_scope', challenge);
      assertDenied(await get(port, '/', token()), 403, 'insufficient_scope', challenge);
      assert.equal(handled(), 0);
      assert.equal((await get(port, '/', token({ scope: 'write other read' }))).status, 200);
    });

    it('a blocked user is 403 blocked without a challenge', async (t) => {
      const { auth, port, handled } = await site(t);
      const user = unique();
      await auth.tokens.blockUser(user);
      assertDenied(await get(port, '/', token({ sub: user })), 403, 'blocked');
      assert.equal(handled(), 0);
    });

    it('a session over the limit is 403 session_limit, and live sessions stay', async (t) => {
      const options = { sessions: { limit: 1, admission: /** @type {const} */ ('first-use') } };
      const { port, handled } = await site(t, { options });
      const sub = unique();
      assert.equal((await get(port, '/', token({ sub, sid: 'a' }))).status, 200);
      assertDenied(await get(port, '/', token({ sub, sid: 'b' })), 403, 'session_limit');
      assert.equal((await get(port, '/', token({ sub, sid: 'a' }))).status, 200);
      assert.equal(handled(), 2);
    });

    it('every challenge contains the realm', async (t) => {
      const { port } = await site(t, {
        options: { jwt: { secret: SECRET }, realm: "Bob's shop, 2nd floor" },
      });
      const answer = await send(port);
      assert.equal(answer.header('WWW-Authenticate'), `Bearer realm="Bob's shop, 2nd floor"`);
    });

    it('HEAD gets the same status and headers, and no body', async (t) => {
      const { port, handled } = await site(t);
      const answer = await send(port, { method: 'HEAD' });
      assert.equal(answer.status, 401);
      assert.equal(answer.body, '');
      assert.equal(answer.header('WWW-Authenticate'), REALM);
      assert.equal(answer.header('Cache-Control'), 'no-store');
      assert.equal(answer.header('Content-Type'), 'application/json; charset=utf-8');
      assert.equal(
        (await send(port, { method: 'HEAD', headers: [`Authorization: Bearer ${token()}`] })).status,
        200,
      );
      assert.equal(handled(), 1);
    });

    it('a header that Node rejects never reaches the app', async (t) => {
      const { port, handled } = await site(t);
      const long = await send(port, { headers: [`Authorization: Bearer ${'x'.repeat(20_000)}`] });
      assert.equal(long.status, 431);
      const nul = await send(port, { headers: [`Authorization: Bearer ${token()}\0`] });
      assert.equal(nul.status, 400);
      const folded = await send(port, { headers: ['Authorization: Bearer', ` ${token()}`] });
      assert.equal(folded.status, 400);
      assert.equal(handled(), 0);
      assert.equal((await get(port, '/', token())).status, 200);
    });

    it('after close() the fault goes to next(err) with status 503', async (t) => {
      const { auth, port, handled } = await site(t);
      await auth.close();
      const answer = await get(port, '/', token());
      assert.equal(answer.status, 503);
      assert.equal(JSON.parse(answer.body).code, 'ERR_LATCHGATE_CLOSED');
      assert.equal(handled(), 0);
    });

    it('of several reasons, the response names the first in the table', async (t) => {
      const sessions = { limit: 0, admission: /** @type {const} */ ('first-use') };
      const { auth, port } = await site(t, { options: { sessions }, policy: { scope: 'write' } });
      const sub = unique();
      const expired = sign(fresh({ sub, iat: now - 7200, exp: now - 3600 }));
      const text = token({ sub, sid: 's' });
      assertDenied(
        await get(port, '/', text),
        403,
        'insufficient_scope',
        `${REALM}, error="insufficient_scope", scope="write"`,
      );
      await auth.tokens.revoke(text);
      assertBadToken(await get(port, '/', text));
      await auth.tokens.blockUser(sub);
      assertDenied(await get(port, '/', text), 403, 'blocked');
      assertBadToken(await get(port, '/', expired));
    });
  });
}
