'use strict';
// latchgate audit <file> [--i-own-this <host>] [--only <race>] [--seed <text>] [--json] [--html <file>]
//
// Fires races at an app, as a file describes it. 0: nothing was found; 1: a race was lost; 2: it could not be run.

const crypto = require('node:crypto');
const fs = require('node:fs');
const { parseArgs } = require('node:util');
const { Client } = require('./client.js');
const { ConfigError, assertOwned, load } = require('./config.js');
const { RACES, runRace } = require('./races.js');
const { html, text } = require('./report.js');

const USAGE =
  'latchgate audit <file> [--i-own-this <host>] [--only <race>] [--seed <text>] [--json] [--html <file>]';

/**
 * @param {string[]} args
 * @param {{ log: (text: string) => void, fail: (text: string) => void }} out
 * @returns {Promise<number>} exit code
 */
async function audit(args, { log, fail }) {
  try {
    const { options, config } = read(args);
    const seed = options.seed ?? crypto.randomBytes(4).toString('hex');
    const client = new Client(config);
    const start = performance.now();
    /** @type {import('./races.js').Finding[]} */
    const findings = [];
    for (const [index, race] of RACES.entries()) {
      if (options.only !== undefined && options.only !== race.name) continue;
      findings.push(await runRace(race, client, config, (round) => userOf(config, seed, index, round)));
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
    if (findings.some(({ verdict }) => verdict === 'found')) return 1;
    // A part that could not be run is no clean bill; one that was not asked for is.
    return findings.some(
      ({ verdict, says }) => verdict === 'not run' && !says.startsWith('the configuration'),
    ) || findings.every(({ verdict }) => verdict === 'not run')
      ? 2
      : 0;
  } catch (error) {
    if (!(error instanceof ConfigError) && !(error instanceof TypeError)) throw error;
    fail(`${error.message}\n${USAGE}`);
    return 2;
  }
}

/** @param {string[]} args */
function read(args) {
  const { values, positionals } = parseArgs({
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
  if (positionals.length !== 1) throw new ConfigError('which file describes the app?');
  const names = RACES.map(({ name }) => name);
  if (values.only !== undefined && !names.includes(values.only))
    throw new ConfigError(`--only takes one of ${names.map((name) => `'${name}'`).join(', ')}`);
  const config = load(positionals[0]);
  assertOwned(config.base, values['i-own-this']);
  return { options: values, config };
}

/**
 * Another user for each race and each round, as far as there are users.
 * @param {import('./config.js').Config} config
 * @param {string} seed
 * @param {number} race
 * @param {number} round
 * @returns {Record<string, string>}
 */
function userOf({ users = [] }, seed, race, round) {
  const n = String(race * 1000 + round);
  if (users.length === 0) return { user: `audit-${seed}-${n}`, password: `audit-${seed}`, n };
  const { user, password = '' } = users[(race * 7 + round) % users.length];
  return { user, password, n };
}

module.exports = { USAGE, audit };
