'use strict';
// Rows J and JM: what a free turn takes, and how a key goes from one to the next while others wait for it.
// In a line, somebody holds the key until all have asked for it; then each takes one turn, and asks no more: what is told is how
// long the key lies idle. In a loop, who has had a turn asks for another at once: what is told is who has to wait how long.

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { Child } = require('./processes.js');
const { Connection, monitored } = require('./resp.js');
const { quantile } = require('./stats.js');

/** At least so many lines are run, even of those who take seconds for one; and no more. */
const LINES = { least: 4, most: 300, warm: 2 };
const SOME = 500;
const WATCHED = 20;

/** @param {Child} child @param {string} method @param {object} [job] */
const tell = (child, method, job = {}) => answered(child, { method, job });

/** @param {Child} child @param {object} message */
async function answered(child, message) {
  const { result, error } = await child.ask(message);
  if (error !== undefined) throw new Error(`${child.name}: ${error}`);
  return result;
}

/** @param {number[][]} turns */
const inOrder = (turns) => turns.sort(([, a], [, b]) => a - b);

/**
 * One line for the key.
 * @param {Child[]} children @param {number} each
 * @returns {Promise<{ opened: number, turns: number[][] }>} turns: asked, granted and given, as they came
 */
async function stand(children, each) {
  await tell(children[0], 'hold', { key: 'contended' });
  await Promise.all(children.map((child) => tell(child, 'line', { key: 'contended', count: each })));
  const answers = await Promise.all(children.map((child) => tell(child, 'open')));
  const turns = answers.flatMap((answer) => answer.turns);
  return { opened: answers[0].opened, turns: inOrder(turns) };
}

/** Turns that began before another had ended. @param {number[][]} turns as they came @param {number} [opened] */
function overlaps(turns, opened = 0) {
  let [count, end] = [0, opened];
  for (const [, granted, given] of turns) {
    if (granted < end) count++;
    end = Math.max(end, given);
  }
  return count;
}

/** How long the key lay idle in the mean; the first time aside, when nobody had asked twice yet. @param {{ turns: number[][] }} line */
function idle({ turns }) {
  const gaps = turns.slice(1).map(([, granted], at) => granted - turns[at][2]);
  return gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length;
}

/** All calls by the server's own account, those of scripts included. @param {Connection | undefined} connection @param {() => Promise<number>} turns */
async function commandsPer(connection, turns) {
  await connection?.ask('CONFIG', 'RESETSTAT');
  const count = await turns();
  if (connection === undefined) return {};
  const stats = Object.entries(await connection.commandStats());
  const calls = stats.filter(([name]) => !/^(config|info)/.test(name)).map(([, each]) => each.calls);
  return { commands: calls.reduce((sum, each) => sum + each, 0) / count };
}

/**
 * @param {Child[]} children
 * @param {{ each: number, ms: number, connection: Connection | undefined }} load
 */
async function inLine(children, { each, ms, connection }) {
  for (let at = 0; at < LINES.warm; at++) await stand(children, each);
  /** @type {Awaited<ReturnType<typeof stand>>[]} */
  const lines = [];
  const perLine = each * children.length;
  const { commands = NaN } = await commandsPer(connection, async () => {
    const end = performance.now() + ms;
    while (lines.length < LINES.most && (lines.length < LINES.least || performance.now() < end))
      lines.push(await stand(children, each));
    return lines.length * (perLine + 1);
  });
  const metrics = {
    [`hand-off ${perLine}`]: quantile(lines.map(idle), 0.5),
    ...(connection === undefined ? {} : { [`commands ${perLine}`]: commands }),
  };
  const twoAtOnce = lines.reduce((sum, line) => sum + overlaps(line.turns, line.opened), 0);
  return { metrics, turns: (lines.length + LINES.warm) * perLine, twoAtOnce };
}

/**
 * Nobody's wait is cut off: who asked before the end is waited for.
 * @param {Child[]} children
 * @param {{ each: number, ms: number }} load
 */
async function inLoop(children, { each, ms }) {
  const job = { key: 'contended', count: each, ms };
  const answers = await Promise.all(children.map((child) => tell(child, 'again', job)));
  const turns = inOrder(answers.flatMap((answer) => answer.turns));
  const waits = turns.map(([asked, granted]) => granted - asked);
  const seconds = (turns.reduce((latest, [, , given]) => Math.max(latest, given), 0) - turns[0][0]) / 1e6;
  const longest = waits.reduce((most, each) => Math.max(most, each), 0);
  const waiting = each * children.length;
  const metrics = {
    [`turns/s ${waiting}`]: turns.length / seconds,
    [`longest ms ${waiting}`]: longest / 1000,
    [`max/median ${waiting}`]: longest / quantile(waits, 0.5),
  };
  return { metrics, turns: turns.length, twoAtOnce: overlaps(turns) };
}

/**
 * @param {string} node
 * @param {string} contender
 * @param {{ port?: number, processes: number, each: number[], ms: number }} load port: none for embedded ones
 * @returns {Promise<import('../rows.js').Measured>}
 */
async function measureTurns(node, contender, { port, processes, each, ms }) {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'latchgate-bench-'));
  const counter = path.join(directory, 'counter');
  fs.writeFileSync(counter, new Float64Array(1));
  const children = Array.from({ length: processes }, () => new Child(node, 'turns'));
  const connection = port === undefined ? undefined : new Connection(port);
  try {
    await answered(children[0], { start: { contender, port, counter } });
    const { metrics, failed } = await tell(children[0], 'free', { ms });
    if (port !== undefined) {
      const { commands } = await commandsPer(connection, async () => {
        await tell(children[0], 'some', { count: SOME });
        return SOME;
      });
      const lines = await monitored(port, () => tell(children[0], 'some', { count: WATCHED }));
      Object.assign(metrics, { sent: lines.length / WATCHED, commands });
    }
    const others = children.slice(1);
    await Promise.all(others.map((child) => answered(child, { start: { contender, port, counter } })));
    let [turns, twoAtOnce] = [0, 0];
    for (const count of each) {
      const line = await inLine(children, { each: count, ms, connection });
      const loop = await inLoop(children, { each: count, ms: 2 * ms });
      Object.assign(metrics, line.metrics, loop.metrics);
      turns += line.turns + loop.turns;
      twoAtOnce += line.twoAtOnce + loop.twoAtOnce;
    }
    const lost = turns - fs.readFileSync(counter).readDoubleLE();
    return { metrics, counters: { twoAtOnce, lost }, failed };
  } finally {
    connection?.close();
    await Promise.all(children.map((child) => child.end()));
    fs.rmSync(directory, { recursive: true, force: true });
  }
}

module.exports = { measureTurns };
