'use strict';
// The same app with latchgate: as for S3.

module.exports = require('../s03/protected.js');
