'use strict';
// A PostgreSQL of the lab's own: on a free port of the loopback interface, in a directory of its own, gone with the run.

const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { postgresDirectory } = require('../../../scripts/lib/servers.js');
const { end, freePort, start, until } = require('../../../__test__/support/started.js');

/** Leaves the tables, and what the apps put there when they start. */
const EMPTY = `do $$ declare name text; begin
  for name in select tablename from pg_tables where schemaname = 'public' and tablename <> 'odds'
  loop execute format('truncate %I', name); end loop; end $$`;

/** It refuses to run as root. */
function user() {
  if (process.getuid?.() !== 0) return {};
  const id = (/** @type {string} */ flag) => Number(execFileSync('id', [flag, 'postgres']).toString());
  return { uid: id('-u'), gid: id('-g') };
}

/**
 * @typedef {object} Postgres
 * @property {string} url
 * @property {string} version
 * @property {() => Promise<void>} empty forgets what was written
 * @property {() => Promise<void>} stop
 *
 * @returns {Promise<Postgres | undefined>} nothing where it is not installed
 */
async function startPostgres() {
  const bin = postgresDirectory();
  if (bin === undefined) return undefined;
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'latchgate-postgres-'));
  const owner = user();
  if (owner.uid !== undefined) fs.chownSync(directory, owner.uid, owner.gid);
  const data = path.join(directory, 'data');
  const run = { ...owner, cwd: directory, stdio: /** @type {const} */ ('ignore') };
  execFileSync(path.join(bin, 'initdb'), ['-D', data, '-U', 'lab', '-A', 'trust', '-E', 'UTF8'], run);
  const port = await freePort();
  const args = ['-D', data, '-p', `${port}`, '-h', '127.0.0.1', '-k', directory, '-c', 'max_connections=200'];
  const server = start(path.join(bin, 'postgres'), args, { ...run, directory });
  const probe = ['-h', directory, '-p', String(port)];
  await until('PostgreSQL answers', () => {
    execFileSync(path.join(bin, 'pg_isready'), probe, run);
    return true;
  });
  const url = `postgres://lab@127.0.0.1:${port}/postgres`;
  // Only here: it is one of the contenders, and whoever reads what scenarios there are needs none.
  // @ts-expect-error it brings no types
  const { Client } = require('pg');
  const client = new Client({ connectionString: url });
  await client.connect();
  // It is ended while this is connected.
  client.on('error', () => {});
  const { rows } = await client.query('show server_version');
  return {
    url,
    version: rows[0].server_version.split(' ')[0],
    empty: async () => void (await client.query(EMPTY)),
    stop: async () => {
      await client.end();
      // It ends at once, and needs to write nothing.
      await end(server, 'SIGQUIT');
      fs.rmSync(directory, { recursive: true, force: true });
    },
  };
}

module.exports = { startPostgres };
