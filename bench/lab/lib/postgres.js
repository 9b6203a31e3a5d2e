'use strict';
// A PostgreSQL of the lab's own: on a free port of the loopback interface, in a directory of its own, gone with the run.

const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { which } = require('../../../scripts/lib/servers.js');
const { end, freePort, start, until } = require('../../../__test__/support/started.js');

/** Debian keeps them apart, by version. */
const VERSIONS = '/usr/lib/postgresql';

/** @returns {string | undefined} the directory of initdb and postgres */
function binaries() {
  const own = which('initdb');
  if (own !== undefined) return path.dirname(fs.realpathSync(own));
  if (!fs.existsSync(VERSIONS)) return undefined;
  const newest = fs.readdirSync(VERSIONS).sort((a, b) => Number(b) - Number(a));
  const found = newest.map((version) => path.join(VERSIONS, version, 'bin'));
  return found.find((directory) => fs.existsSync(path.join(directory, 'initdb')));
}

/** It refuses to run as root. */
function user() {
  if (process.getuid?.() !== 0) return {};
  const id = (/** @type {string} */ flag) => Number(execFileSync('id', [flag, 'postgres']).toString());
  return { uid: id('-u'), gid: id('-g') };
}

/** @returns {Promise<{ url: string, stop: () => Promise<void> } | undefined>} nothing where it is not installed */
async function startPostgres() {
  const bin = binaries();
  if (bin === undefined) return undefined;
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'latchgate-postgres-'));
  const owner = user();
  if (owner.uid !== undefined) fs.chownSync(directory, owner.uid, owner.gid);
  const data = path.join(directory, 'data');
  const run = { ...owner, cwd: directory, stdio: /** @type {const} */ ('ignore') };
  execFileSync(path.join(bin, 'initdb'), ['-D', data, '-U', 'lab', '-A', 'trust', '-E', 'UTF8'], run);
  const port = await freePort();
  const args = [
    '-D',
    data,
    '-p',
    String(port),
    '-h',
    '127.0.0.1',
    '-k',
    directory,
    '-c',
    'max_connections=200',
  ];
  const server = start(path.join(bin, 'postgres'), args, { ...run, directory });
  const probe = ['-h', directory, '-p', String(port)];
  await until('PostgreSQL answers', () => {
    execFileSync(path.join(bin, 'pg_isready'), probe, run);
    return true;
  });
  return {
    url: `postgres://lab@127.0.0.1:${port}/postgres`,
    stop: async () => {
      // It ends at once, and needs to write nothing.
      await end(server, 'SIGQUIT');
      fs.rmSync(directory, { recursive: true, force: true });
    },
  };
}

module.exports = { startPostgres };
