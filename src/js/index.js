'use strict';
// What `require('latchgate')` gives. index.mjs gives the same to `import`.

const { authMiddleware, createAuth } = require('./auth.js');
const { LatchgateError } = require('./util/errors.js');
const { version } = require('../../package.json');

module.exports = { LatchgateError, authMiddleware, createAuth, version };
