// Runs a script in a Node process of its own, and tells what it printed and how it ended.
'use strict';

const { spawn } = require('node:child_process');
const path = require('node:path');

const ROOT = path.join(__dirname, '..', '..');

/**
 * @typedef {object} Ending
 * @property {number | null} status null where a signal ended it
 * @property {string | null} signal
 * @property {string} stdout
 * @property {string} stderr
 */

/**
 * A process that hangs is killed by its deadline: `signal` is then SIGKILL.
 * @param {string[]} args of node
 * @param {{ env?: Record<string, string | undefined>, cwd?: string, deadline?: number, onStart?: (child: import('node:child_process').ChildProcess) => void, onLine?: (line: string, child: import('node:child_process').ChildProcess) => void }} [options]
 * @returns {Promise<Ending>}
 */
function runNode(args, { env = {}, cwd = ROOT, deadline = 60_000, onStart, onLine } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, {
      cwd,
      env: { ...process.env, NODE_TEST_CONTEXT: undefined, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    onStart?.(child);
    const timer = setTimeout(() => child.kill('SIGKILL'), deadline);
    const output = { stdout: '', stderr: '' };
    child.stdout.setEncoding('utf8').on('data', (text) => {
      output.stdout += text;
      for (const line of text.split('\n').filter(Boolean)) onLine?.(line, child);
    });
    child.stderr.setEncoding('utf8').on('data', (text) => {
      output.stderr += text;
    });
    child.on('error', reject);
    child.on('close', (status, signal) => {
      clearTimeout(timer);
      resolve({ status, signal, ...output });
    });
  });
}

/**
 * The same with the script's text; `latchgate` and `SECRET` are at hand in it.
 * @param {string} script
 * @param {Parameters<typeof runNode>[1]} [options]
 */
function runScript(script, options) {
  const head = `const latchgate = require(${JSON.stringify(ROOT)}); const SECRET = 's'.repeat(64);`;
  return runNode(['-e', `${head}\n(async () => {${script}\n})();`], options);
}

module.exports = { ROOT, runNode, runScript };
