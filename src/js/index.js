'use strict';
// What `require('latchgate')` gives. index.mjs gives the same to `import`.

const { version } = require('../../package.json');
const { authMiddleware, createAuth } = require('./auth.js');
const { LatchgateError } = require('./util/errors.js');

module.exports = { LatchgateError, authMiddleware, createAuth, version };
