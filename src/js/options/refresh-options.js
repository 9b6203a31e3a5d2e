'use strict';
// The `refresh` option: the life of a refresh token, and how long a used token still returns its successor.

const { HOUR, YEAR, duration } = require('../util/duration.js');
const { configError } = require('../util/errors.js');
const { known } = require('../util/names.js');

const GRACE_MS = 10_000;

/**
 * @param {unknown} options
 * @param {number} absoluteMs the longest life of a session
 */
function refreshOptions(options, absoluteMs) {
  const { ttl, graceWindow } = known(options ?? {}, ['ttl', 'graceWindow'], 'refresh', configError);
  return {
    ttlMs:
      ttl === undefined ? absoluteMs : duration(ttl, 'refresh.ttl', { min: 1, max: 10 * YEAR }, configError),
    graceMs:
      graceWindow === undefined
        ? GRACE_MS
        : duration(graceWindow, 'refresh.graceWindow', { min: 0, max: HOUR }, configError),
  };
}

module.exports = { refreshOptions };
