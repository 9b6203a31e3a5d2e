'use strict';
// What a load begins with: everybody has logged in.

/**
 * @param {string} prefix of their names
 * @param {number} count
 * @param {import('./app.js').Load['ask']} ask
 * @returns {Promise<Map<string, string>>} a token for each
 */
async function tokensOf(prefix, count, ask) {
  const tokens = new Map();
  for (let n = 1; n <= count; n++) {
    const user = `${prefix}-${n}`;
    tokens.set(user, (await ask({ path: '/login', body: { user } })).body.token);
  }
  return tokens;
}

module.exports = { tokensOf };
