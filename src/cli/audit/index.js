'use strict';
// latchgate audit <file> [--i-own-this <host>] [--only <race>] [--seed <text>] [--json] [--html <file>]
//
// Fires races at an app, as a file describes it. 0: nothing was found; 1: a race was lost; 2: it could not be run.

const crypto = require('node:crypto');
const fs = require('node:fs');
const { parseArgs } = require('node:util');
const { Client } = require('./client.js');
const { ConfigError, assertOwned, load } = require('./config.js');
const { RACES } = require('./races/index.js');
const { html, text } = require('./report.js');
const { runRace } = require('./run.js');

const USAGE =
  'latchgate audit <file> [--i-own-this <host>] [--only <race>] [--seed <text>] [--json] [--html <file>]';

/**
 * @param {string[]} args
 * @param {{ log: (text: string) => void, fail: (text: string) => void }} out
 * @returns {Promise<number>} exit code
 */
async function audit(args, { log, fail }) {
  try {
    const { options, config } = await read(args);
    const seed = options.seed ?? crypto.randomBytes(4).toString('hex');
    const client = new Client(config);
    const start = performance.now();
    /** @type {import('./run.js').Finding[]} */
    const findings = [];
    const used = new Set();
    for (const [index, race] of RACES.entries()) {
      if (options.only !== undefined && options.only !== race.name) continue;
      findings.push(
        await runRace(race, client, config, (round) => {
          const values = userOf(config, seed, index, round);
          if (race.fresh && used.has(values.user)) return undefined;
          used.add(values.user);
          return values;
        }),
      );
    }
    const found = {
      target: new URL(config.base).origin,
      seed,
      at: new Date().toISOString(),
      requests: client.sent,
      seconds: (performance.now() - start) / 1000,
      findings,
    };
    log(options.json ? JSON.stringify(found) : text(found));
    if (options.html !== undefined) fs.writeFileSync(options.html, html(found));
    return codeOf(findings);
  } catch (/** @type {any} */ error) {
    // Whatever it is: 1 would say that a race was lost.
    fail(`${error?.message ?? error}${error instanceof ConfigError ? `\n${USAGE}` : ''}`);
    return 2;
  }
}

/** @param {import('./run.js').Finding[]} findings */
function codeOf(findings) {
  const has = (/** @type {string} */ wanted) => findings.some(({ verdict }) => verdict === wanted);
  if (has('found')) return 1;
  // What could not be run is no clean bill; what was left out says nothing, unless it was all.
  return has('not run') || !has('clean') ? 2 : 0;
}

/** @param {string[]} args */
async function read(args) {
  const { values, positionals } = parsed(args);
  if (positionals.length === 0)
    throw new ConfigError('which file describes the app? docs/audit.md has one to begin with');
  if (positionals.length > 1) throw new ConfigError('one file at a time');
  const names = RACES.map(({ name }) => name);
  if (values.only !== undefined && !names.includes(values.only))
    throw new ConfigError(`--only takes one of ${names.map((name) => `'${name}'`).join(', ')}`);
  const config = await load(positionals[0]);
  assertOwned(config.base, values['i-own-this']);
  // A page that cannot be written is better known before anything is sent.
  if (values.html !== undefined) fs.closeSync(fs.openSync(values.html, 'a'));
  return { options: values, config };
}

/** @param {string[]} args */
function parsed(args) {
  try {
    return parseArgs({
      args,
      allowPositionals: true,
      options: {
        'i-own-this': { type: 'string' },
        only: { type: 'string' },
        seed: { type: 'string' },
        json: { type: 'boolean', default: false },
        html: { type: 'string' },
      },
    });
  } catch (/** @type {any} */ error) {
    throw new ConfigError(error.message);
  }
}

/**
 * Another user for each race and each round, as far as there are users; else first of all another for each race.
 * @param {import('./config.js').Config} config
 * @param {string} seed
 * @param {number} race
 * @param {number} round
 * @returns {Record<string, string>}
 */
function userOf({ users = [] }, seed, race, round) {
  const n = String(race * 1000 + round);
  if (users.length === 0) return { user: `audit-${seed}-${n}`, password: `audit-${seed}`, n };
  const { user, password = '' } = users[(round * RACES.length + race) % users.length];
  return { user, password, n };
}

module.exports = { USAGE, audit };
