// One of several processes of the example in examples/sql-fence. Its database, and the approval that it waits for, are the
// test's. With UNFENCED its statement looks at no fence.
'use strict';

const { createAuth } = require('latchgate');
const { WRITE, walletApp } = require('../../../examples/sql-fence/app.js');
const { SECRET } = require('../jwt.js');
const { listen } = require('./listen.js');

const { STORE, DATABASE = '', UNFENCED } = process.env;

/** @param {string} path @param {object} [body] @returns {Promise<any>} */
async function ask(path, body = {}) {
  const answer = await fetch(`${DATABASE}${path}`, { method: 'POST', body: JSON.stringify(body) });
  return answer.json();
}

const auth = createAuth({ store: STORE, jwt: { secret: SECRET }, sessions: { admission: 'first-use' } });
const app = walletApp(
  auth,
  (sql, parameters) => {
    const bare = UNFENCED !== undefined && sql === WRITE;
    if (!bare) return ask('/query', { sql, parameters });
    return ask('/query', { sql: sql.replace(' AND fence <= ?', ''), parameters: parameters.slice(0, 3) });
  },
  () => ask('/approve', { pid: process.pid }),
);

listen(app);
