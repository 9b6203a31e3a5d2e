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
 * @property {{ tried: number, wrong: number }} [decisions] on credentials: all that were asked for, and those that a race made wrong;
 *   of the scenarios that count for the overall share
 * @property {Record<string, number>} [notes] what else was counted, by what a reader is told it is
 * @property {Record<string, number>} [most] the same, where not the sum is told but the largest
 * @property {Caught} [caught] one of them, for the timeline
 *
 * @typedef {object} Caught
 * @property {string} what
 * @property {Array<{ label: string, sent: number, done: number, status: number, culprit?: boolean }>} requests in the order of being sent
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
 * @property {string} tag begins the names of all users: nobody is met again in another run of the same processes
 * @property {string} secret that the app's tokens are signed with
 * @property {string} backOffice a token with the scope `back-office`
 * @property {number} [crowd] the part of all users that is there; default: all
 * @property {number} [hot] the part of all requests that is for one of all, where a scenario sweeps it
 * @property {(call: import('./drive.js').Call) => Promise<import('../../../scripts/demo/client.js').Answer>} ask before it begins, and after it
 * @property {() => Promise<number>} keys how many there are in Redis
 *
 * @typedef {object} Scenario
 * @property {string} id
 * @property {string} title
 * @property {string} unprotected how it is usually written
 * @property {string} operation what is counted
 * @property {string} violation what must not happen
 * @property {number[]} [clocks] seconds by which the processes' clocks are off, where there are several
 * @property {string[]} [forms] files of apps; default: unprotected, protected
 * @property {Record<string, string>} [names] of further forms, for a reader
 * @property {'database'} [needs]
 * @property {{ rate: number, values: number[] }} [sweep] of `hot`
 * @property {(load: Load) => Plan | Promise<Plan>} plan
 */

module.exports = {};
