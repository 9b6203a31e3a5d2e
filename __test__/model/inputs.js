// Converts the plain data of a step to arguments for the Auth.
'use strict';

const { SECRET, fresh, sign } = require('../support/jwt.js');

/** @param {any} options of `authenticate`, as plain data */
function policyOf({ quota, once, ...policy }) {
  if (quota === undefined) return policy;
  return { ...policy, quota: once === undefined ? quota : { ...quota, idempotencyKey: () => once } };
}

/**
 * Signs a token of another issuer that has the same key.
 * @param {string} user
 * @param {{ sid?: string, scope?: string, form: string }} options
 */
function foreign(user, { sid, scope, form }) {
  const now = Math.floor(Date.now() / 1000);
  const iat = form === 'ahead' ? now + 50 : now - 100;
  const exp = form === 'expired' ? now - 10 : now + 3600;
  const claims = fresh(JSON.parse(JSON.stringify({ sub: user, sid, scope, iat, exp })));
  const text = form === 'tampered' ? sign(claims, { key: `${SECRET}!` }) : sign(claims);
  const stands = form === 'old' || form === 'ahead';
  const scopes = scope === undefined ? [] : [scope];
  return {
    text,
    token: {
      userId: user,
      jti: claims.jti,
      sid,
      stands,
      scopes,
      foreign: true,
      generation: 0,
      iat,
      aheadOfNow: form === 'ahead',
    },
  };
}

module.exports = { foreign, policyOf };
