// Every race, to be run on a store that must win it and on one that must lose it.
'use strict';

const { RACES: counters } = require('./races/counters.js');
const { RACES: keys } = require('./races/keys.js');
const { RACES: refreshes } = require('./races/refreshes.js');
const { RACES: sessions } = require('./races/sessions.js');
const { RACES: revocations } = require('./races/revocations.js');
const { RACES: spending } = require('./races/spending.js');
const { RACES: threads } = require('./races/threads.js');
const { RACES: turns } = require('./races/turns.js');

/**
 * A race: `run` starts `racers` operations at once and tells what it saw, `check` throws an AssertionError where that
 * breaks the rule. `arrivals`: how many operations the store meets at once, for stores that wait for them (`?gate=`).
 * @typedef {object} Race
 * @property {string} rule
 * @property {number} racers
 * @property {(racers: number) => number} arrivals
 * @property {(store: string, racers: number, express?: any) => Promise<any>} run
 * @property {(seen: any, racers: number) => void} check
 */

/** In one process, some of them through a real Express server. @type {Race[]} */
const LOCAL = [...sessions, ...revocations, ...counters, ...spending, ...keys, ...turns, ...refreshes];
/** Across worker threads. @type {Race[]} */
const THREADED = threads;

module.exports = { LOCAL, THREADED };
