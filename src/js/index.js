'use strict';
// The exports for `require('latchgate')`. index.mjs has the same exports for `import`.

const { version } = require('../../package.json');
const { authMiddleware, createAuth } = require('./auth.js');
const { LatchgateError } = require('./util/errors.js');

module.exports = { LatchgateError, authMiddleware, createAuth, version };
