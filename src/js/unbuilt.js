'use strict';
// Groups of the contract that are not built yet. Their methods are there, and say so.

const { unbuiltError } = require('./errors.js');

const GROUPS = {
  locks: ['runExclusive', 'acquire'],
};

/**
 * @param {keyof typeof GROUPS} group
 * @returns {any} an object with the group's methods, all of which reject
 */
function unbuiltGroup(group) {
  const methods = GROUPS[group].map((method) => [
    method,
    () => Promise.reject(unbuiltError(`${group}.${method}()`)),
  ]);
  return Object.freeze(Object.fromEntries(methods));
}

module.exports = { unbuiltGroup };
