// Starts commands for the scripts: quietly (output shown only on failure) or loudly (passed through and kept).
'use strict';

const { spawn } = require('node:child_process');
const path = require('node:path');

const ROOT = path.join(__dirname, '..', '..');

/**
 * @typedef {object} Result
 * @property {number} status exit status; 1 where a signal ended it, 127 where it could not be started
 * @property {string} output what it wrote to both streams
 */

/**
 * @param {string} command
 * @param {string[]} args
 * @param {{ env?: NodeJS.ProcessEnv, quiet?: boolean, cwd?: string }} [options]
 * @returns {Promise<Result>}
 */
function run(command, args, { env, quiet = false, cwd = ROOT } = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    for (const [source, sink] of /** @type {const} */ ([
      [child.stdout, process.stdout],
      [child.stderr, process.stderr],
    ])) {
      source.setEncoding('utf8');
      source.on('data', (text) => {
        output += text;
        if (!quiet) sink.write(text);
      });
    }
    child.on('error', (error) => resolve({ status: 127, output: `${output}${error.message}\n` }));
    child.on('close', (status) => resolve({ status: status ?? 1, output }));
  });
}

/**
 * The npm that runs this script, if there is one. On Windows `npm` is a batch file, which spawn refuses.
 * @param {string[]} args
 * @param {{ quiet?: boolean, cwd?: string, env?: NodeJS.ProcessEnv }} [options]
 */
function npm(args, options) {
  const script = process.env.npm_execpath;
  const own = script !== undefined && /npm-cli\.c?js$/.test(script);
  return own ? run(process.execPath, [script, ...args], options) : run('npm', args, options);
}

module.exports = { ROOT, npm, run };
