'use strict';
// What an app of the lab is given. Nothing runs here: it is a place for types.

/**
 * @typedef {object} World
 * @property {string} redisUrl
 * @property {string} secret to sign tokens with
 * @property {string} [database] a connection string of PostgreSQL
 *
 * @typedef {(world: World) => import('express').Express} Build
 *
 * @typedef {object} Judged
 * @property {number} tried
 * @property {number} violations
 * @property {Caught} [caught] one of them, for the timeline
 *
 * @typedef {object} Caught
 * @property {string} what
 * @property {Array<{ label: string, sent: number, done: number, status: number }>} requests in the order of being sent
 *
 * @typedef {object} Plan
 * @property {import('./drive.js').Step[]} steps
 * @property {(entry: import('./drive.js').Entry) => void} [learn]
 * @property {(log: import('./drive.js').Entry[]) => Judged | Promise<Judged>} judge
 *
 * @typedef {object} Load
 * @property {number} rate requests per second
 * @property {number} seconds
 * @property {() => number} random
 * @property {(call: import('./drive.js').Call) => Promise<{ status: number, body: any }>} ask before it begins
 *
 * @typedef {object} Scenario
 * @property {string} id
 * @property {string} title
 * @property {string} unprotected how it is usually written
 * @property {string} operation what is counted
 * @property {string} violation what must not happen
 * @property {number[]} [clocks] seconds by which the processes' clocks are off, where there are several
 * @property {string[]} [forms] files of apps; default: unprotected, protected
 * @property {'database'} [needs]
 * @property {(load: Load) => Plan | Promise<Plan>} plan
 */

module.exports = {};
