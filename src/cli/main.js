#!/usr/bin/env node
'use strict';
// The command `latchgate`: finds the sub-command and hands it the rest of the line.

const { version } = require('../../package.json');
const { audit } = require('./audit/index.js');
const { doctor } = require('./doctor.js');

const USAGE = `latchgate ${version}

  latchgate doctor [store-url] [--prefix lg] [--json]

      Looks at a Redis or Valkey server, Sentinels or a Cluster, and says what keeps it from holding sessions,
      revocations and quotas. It writes nothing. Without a URL: LATCHGATE_STORE. Exit code 0: fit; 1: not.

  latchgate audit <file> [--i-own-this <host>] [--only <race>] [--seed <text>] [--json] [--html <file>]

      Fires races at an app of your own, as the file describes it, and says which of them it loses. It logs in, spends
      and revokes there. Exit code 0: none was lost; 1: one was; 2: something could not be run.
`;

/** @type {Record<string, (args: string[]) => Promise<number>>} */
const COMMANDS = {
  doctor,
  audit: (args) => {
    const fail = (/** @type {string} */ text) => void process.stderr.write(`latchgate: ${text}\n`);
    // A module that describes the app may fail later too, and 1 would say that a race was lost.
    process.on('uncaughtException', (error) => {
      fail(String(error?.message ?? error));
      process.exit(2);
    });
    return audit(args, { log: (text) => void process.stdout.write(`${text.trimEnd()}\n`), fail });
  },
};

/** @param {string[]} args @returns {Promise<number>} the exit code */
async function main([name = '--help', ...rest]) {
  if (name === '--version' || name === '-v') return print(`${version}\n`);
  if (['--help', '-h', 'help'].includes(name) || rest.includes('--help') || rest.includes('-h'))
    return print(USAGE);
  if (!Object.hasOwn(COMMANDS, name)) throw new TypeError('no such command: see latchgate --help');
  return COMMANDS[name](rest);
}

/** @param {string} text */
function print(text) {
  process.stdout.write(text);
  return 0;
}

main(process.argv.slice(2)).then(
  (code) => {
    process.exitCode = code;
  },
  (error) => {
    process.stderr.write(`latchgate: ${error.message}\n`);
    process.exitCode = 1;
  },
);
