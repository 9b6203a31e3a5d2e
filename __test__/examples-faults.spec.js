// Rules for every program in examples/, and for every command that a document asks the reader to copy.
'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { describe, it } = require('node:test');
const { list } = require('../scripts/lib/files.js');
const { ROOT } = require('./support/child.js');
const { SECRET, startExample } = require('./support/examples.js');
const { token } = require('./support/jwt.js');

const read = (/** @type {string} */ file) => fs.readFileSync(path.join(ROOT, file), 'utf8');
const PROGRAMS = list(ROOT, 'examples', ['.js']);
const DOCUMENTS = ['README.md', ...list(ROOT, 'docs', ['.md']), ...list(ROOT, 'examples', ['.md'])];

/** The address of a server that does not run. Every store call of the app fails. */
const NOWHERE = 'redis://127.0.0.1:1';

/**
 * Requests that cause an error, by program: a body that is not JSON, or a path that cannot be decoded.
 * @type {Array<{ file: string, env?: Record<string, string>, route: string, body?: string, token?: string }>}
 */
const FAULTS = [
  { file: 'login/server.js', route: '/login', body: '{"password":"hunter2",' },
  { file: 'login/server.js', route: '/sessions/%ff', token: token({ sub: 'ada' }, { key: SECRET }) },
  { file: 'api-key-plans/app.js', route: '/keys', body: '{"password":"hunter2",' },
  ...['before', 'step-1-write', 'step-2-read', 'step-3-alone'].map((step) => ({
    file: `from-express-session/${step}.js`,
    env: { REDIS_URL: NOWHERE, SESSION_SECRET: SECRET },
    route: '/login',
    body: '{"password":"hunter2",',
  })),
];

describe('an example', () => {
  for (const file of PROGRAMS) {
    it(`${file} handles errors itself, after all of its routes`, () => {
      const text = read(file);
      const at = text.search(/^( {2})?app\.use\((\(error, _req, res, next\)|answerFault)/m);
      assert.ok(at > 0);
      assert.doesNotMatch(text.slice(at), /^ *app\.(get|post|put|delete|all)\(/m);
      assert.match(text, /if \(res\.headersSent\) return next\(error\);/);
      assert.doesNotMatch(text, /error\) => next\(error\)|json\(\{[^}]*error\.(message|stack)/);
    });
  }

  for (const { file, env, route, body, token } of FAULTS) {
    it(`${file} sends the client no stack trace and no part of the body (${route})`, async (t) => {
      const { printed, url } = await startExample(t, file, env);
      const answer = body
        ? await fetch(`${url}${route}`, {
            method: 'POST',
            headers: { 'content-type': 'application/json' },
            body,
          })
        : await fetch(`${url}${route}`, { method: 'DELETE', headers: { authorization: `Bearer ${token}` } });
      assert.ok(answer.status >= 400, String(answer.status));
      const told = await answer.text();
      assert.doesNotMatch(told, /\bat |node_modules|hunter2/);
      assert.doesNotMatch(printed.errors, /hunter2/);
    });
  }

  for (const file of PROGRAMS) {
    it(`${file} contains no secret`, () => {
      assert.doesNotMatch(read(file), /(secret|password|key)\w*\s*(:|=|\?\?|\|\|)\s*['"`][^'"`]/i);
      for (const [, value] of read(file).matchAll(/_SECRET\s*(\?\?|\|\|)\s*(\S+)/g))
        assert.fail(`a secret has a default: ${value}`);
    });
  }

  it('is installed with Express 5, because version 4 does not catch rejections of async handlers', () => {
    for (const file of DOCUMENTS)
      for (const [line] of read(file).matchAll(/^npm install express.*$/gm))
        assert.match(line, /express@5/, file);
  });
});

describe('a command to copy', () => {
  for (const file of DOCUMENTS) {
    it(`contains no usable secret (${file})`, () => {
      const blocks = [...read(file).matchAll(/^```[a-z]*\n(.*?)^```$/gms)].map(([, block]) => block);
      for (const block of blocks)
        for (const [, value] of block.matchAll(/\b\w*(?:SECRET|_KEY)=("\$\(|\S{0,2})/g))
          assert.equal(value, '$(', block);
    });
  }
});
