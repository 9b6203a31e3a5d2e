// Outlives the test process that started it, and ends what that one left running: its standard input closes however the
// test process ends, SIGKILL included. It is told `+pid directory` at each start and `-pid` at each end, and knows no others.
'use strict';

const fs = require('node:fs');

/** @type {Map<string, string>} */
const left = new Map();
let text = '';
process.stdin.setEncoding('utf8').on('data', (chunk) => {
  text += chunk;
  const lines = text.split('\n');
  text = lines.pop() ?? '';
  for (const line of lines) {
    const [, sign, pid, directory] = /^([+-])(\d+) ?(.*)$/.exec(line) ?? [];
    if (sign === '+') left.set(pid, directory);
    else left.delete(pid);
  }
});
process.stdin.on('end', () => {
  for (const [pid, directory] of left) {
    try {
      process.kill(Number(pid), 'SIGKILL');
    } catch {
      // It has ended already.
    }
    if (directory) fs.rmSync(directory, { recursive: true, force: true });
  }
});
for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) process.on(signal, () => {});
