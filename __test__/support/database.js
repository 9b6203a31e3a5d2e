// SQLite for several processes: one database in memory, which they reach over HTTP, and an approval that the test gives.
'use strict';

// @ts-expect-error it brings no types
const initSqlJs = require('sql.js');
const { listen } = require('./app.js');
const { gate } = require('./turns.js');

/** @param {import('node:test').TestContext} t @param {string} schema */
async function startDatabase(t, schema) {
  const { Database } = await initSqlJs();
  const database = new Database();
  database.run(schema);

  /** @param {string} sql @param {Array<string | number>} [parameters] */
  const query = (sql, parameters = []) => {
    const statement = database.prepare(sql, parameters);
    const rows = [];
    while (statement.step()) rows.push(statement.getAsObject());
    statement.free();
    return { rows, changes: database.getRowsModified() };
  };

  /** Who waits for the approval, by process. @type {Map<number, ReturnType<typeof gate>>} */
  const asked = new Map();
  const { port, close } = await listen(async (req, res) => {
    let text = '';
    for await (const chunk of req) text += chunk;
    const { sql, parameters, pid } = JSON.parse(text);
    let answer = {};
    if (req.url === '/query') {
      answer = query(sql, parameters);
    } else {
      const approval = gate();
      asked.set(pid, approval);
      await approval.opened;
    }
    res.end(JSON.stringify(answer));
  });
  t.after(close);
  return {
    url: `http://127.0.0.1:${port}`,
    query,
    /** @param {number} pid */
    asks: (pid) => asked.has(pid),
    /** @param {number} pid */
    approve: (pid) => asked.get(pid)?.open(),
  };
}

module.exports = { startDatabase };
