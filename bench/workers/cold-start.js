'use strict';
// Row M: from require() to the first verdict, in a process that has loaded nothing of the kind.

const { worker } = require('../lib/measure.js');

/** @typedef {{ secret: Buffer, token: string }} Given */

/** Each answers whether the token stands. @type {Record<string, (given: Given) => unknown>} */
const CONTENDERS = {
  latchgate: ({ secret, token }) => {
    const { createAuth } = require('../../src/js/index.js');
    const guard = createAuth({
      jwt: { secret },
      sessions: { limit: 3, admission: 'first-use' },
    }).middleware();
    let passed = false;
    const authorization = `Bearer ${token}`;
    const req = {
      method: 'GET',
      url: '/',
      headers: { authorization },
      rawHeaders: ['authorization', authorization],
    };
    // As much of a response as is touched: its end is listened for.
    /** @type {any} express's types */ (guard)(req, { on: () => {} }, () => {
      passed = true;
    });
    return passed;
  },
  'fast-jwt': ({ secret, token }) => {
    const { createVerifier } = require('fast-jwt');
    return createVerifier({ key: secret, algorithms: ['HS256'] })(token).sub !== undefined;
  },
  jose: async ({ secret, token }) => {
    const { jwtVerify } = await import('jose');
    return (await jwtVerify(token, secret, { algorithms: ['HS256'] })).payload.sub !== undefined;
  },
};

worker(async ({ contender, secret, token, bytes }) => {
  const given = { secret: Buffer.from(secret, 'base64'), token };
  const cpu = process.cpuUsage();
  const start = performance.now();
  const stands = await CONTENDERS[contender](given);
  const ms = performance.now() - start;
  const { user, system } = process.cpuUsage(cpu);
  return { metrics: { ms, 'cpu ms': (user + system) / 1000, ...bytes }, failed: stands ? 0 : 1 };
});
