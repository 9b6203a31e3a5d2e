'use strict';
// Environment variables that replace missing options.

const { configError } = require('./errors.js');

/**
 * Set but empty is refused: a deployment that lost the value of LATCHGATE_ISSUER must not run without the check.
 * @param {string} name
 * @returns {string | undefined}
 */
function env(name) {
  const value = process.env[name];
  if (value !== undefined && value.trim() === '') {
    throw configError(`${name} is set but empty: give it a value, or unset it`);
  }
  return value;
}

module.exports = { env };
