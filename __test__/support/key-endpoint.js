// An endpoint that serves a key set, on the loopback interface: what it answers, and when, is the test's to say.
'use strict';

const crypto = require('node:crypto');
const { fresh, jwkOf, sign } = require('./jwt.js');
const { listen } = require('./app.js');

/** @typedef {{ kid: string, privateKey: crypto.KeyObject, jwk: Record<string, unknown> }} Pair */

/** @param {string} kid @returns {Pair} */
function pair(kid) {
  const { publicKey, privateKey } = crypto.generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return { kid, privateKey, jwk: { ...jwkOf(publicKey), kid, use: 'sig', alg: 'ES256' } };
}

/** @param {Pair} pair @param {object} [claims] */
const signed = ({ kid, privateKey }, claims) =>
  sign(fresh(claims), { key: privateKey, alg: 'ES256', header: { kid } });

/** @param {Pair[]} pairs */
const keySet = (...pairs) => JSON.stringify({ keys: pairs.map(({ jwk }) => jwk) });

/**
 * @param {{ after: (fn: () => Promise<void>) => void }} t
 * @param {Pair[]} pairs
 */
async function keyEndpoint(t, ...pairs) {
  /** @type {Array<() => void>} */
  let waiting = [];
  const endpoint = {
    asked: 0,
    status: 200,
    /** @type {Record<string, string>} */
    headers: {},
    body: keySet(...pairs),
    /** Answers are kept back until release(). */
    isHeld: false,
    /** Connections are cut instead. */
    isDown: false,
    url: '',
    release() {
      endpoint.isHeld = false;
      for (const answer of waiting.splice(0)) answer();
    },
    /** Resolves when so many questions have come. @param {number} count */
    async reached(count) {
      while (endpoint.asked < count) await new Promise(setImmediate);
    },
  };
  const site = await listen((req, res) => {
    endpoint.asked++;
    const answer = () => {
      if (endpoint.isDown) req.socket.destroy();
      else res.writeHead(endpoint.status, endpoint.headers).end(endpoint.body);
    };
    if (endpoint.isHeld) waiting = [...waiting, answer];
    else answer();
  });
  t.after(site.close);
  endpoint.url = `http://127.0.0.1:${site.port}/keys?hidden=in-the-query`;
  return endpoint;
}

module.exports = { keyEndpoint, keySet, pair, signed };
