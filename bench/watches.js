'use strict';
// How long the event loop is held, at the longest, while the signals of many requests are watched.
//
//   node bench/watches.js [store] [watches] [seconds]     store: 'memory:' (default), or the URL of a server
//
// A turn of the loop that does nothing but count is the measure: it runs all the time, so that each turn is seen.

const crypto = require('node:crypto');
const { createAuth } = require('../src/js/index.js');

const [store = 'memory:', watches = '15000', seconds = '5'] = process.argv.slice(2);
const SECRET = crypto.randomBytes(32);

/**
 * The longest turns of the loop in milliseconds, the longest first. Of each turn the time by the clock counts, or the time of
 * the CPU where that is shorter: what other processes take is not held by this one.
 * @param {() => boolean} isOver
 * @returns {Promise<{ longest: number[], turns: number }>}
 */
function holds(isOver) {
  let longest = [0, 0, 0, 0, 0];
  let turns = 0;
  let last = performance.now();
  let used = process.cpuUsage();
  return new Promise((resolve) => {
    const turn = () => {
      const now = performance.now();
      const wall = now - last;
      last = now;
      turns++;
      if (wall > longest[4]) {
        const { user, system } = process.cpuUsage(used);
        const ms = Math.min(wall, (user + system) / 1000);
        longest = [...longest, ms].sort((a, b) => b - a).slice(0, 5);
      }
      used = process.cpuUsage();
      if (isOver()) resolve({ longest, turns });
      else setImmediate(turn);
    };
    setImmediate(turn);
  });
}

/** @param {number} ms @returns {() => boolean} */
function after(ms) {
  const end = performance.now() + ms;
  return () => performance.now() >= end;
}

/** @param {string} what @param {{ longest: number[], turns: number }} held */
function print(what, { longest, turns }) {
  const [first, ...others] = longest.map((ms) => ms.toFixed(1));
  console.log(`${what}: ${first} ms at the longest (then ${others.join(', ')}), ${turns} turns`);
}

async function main() {
  const auth = createAuth({
    store: { url: store, commandTimeout: '10s' },
    jwt: { secret: SECRET },
    sessions: { admission: 'first-use' },
  });
  await auth.ready();
  const run = crypto.randomUUID();
  const count = Number(watches);
  const all = [];
  const watched = async (/** @type {string} */ user, /** @type {string} */ session) => {
    const text = await auth.tokens.issue(user, { sessionId: session });
    const answer = await auth.authenticate({ token: text });
    if (!answer.ok) throw new Error(answer.reason);
    all.push(answer.auth);
    return answer.auth.signal;
  };
  print('idle', await holds(after(2000)));
  for (let n = 0; n < count; n++) await watched(`user ${n} ${run}`, 's');
  await holds(after(2000));
  print(`${count} users watched`, await holds(after(1000 * Number(seconds))));
  for (const each of all.splice(0)) each.done();
  const same = [];
  for (let n = 0; n < count; n++) same.push(await watched(`one ${run}`, `s${n % 5000}`));
  await holds(after(2000));
  print(`${count} requests of one user, in 5,000 sessions`, await holds(after(1000 * Number(seconds))));
  let told = 0;
  for (const signal of same) signal.addEventListener('abort', () => told++, { once: true });
  auth.tokens.revokeUser(`one ${run}`);
  print('that user revoked', await holds(() => told === count));
  await auth.close();
}

main();
