'use strict';
// The system as figures name it: what the build of a kernel is called says nothing about them.

const os = require('node:os');

const system = () => `${os.type()} ${os.release().split(/[.-]/, 2).join('.')}`;

module.exports = { system };
