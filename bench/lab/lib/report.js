'use strict';
module.exports = { summary: () => '', writeReport: () => {} };
