'use strict';
// What the apps on latchgate answer to a fault: the status alone. Express itself answers with the stack where NODE_ENV is not
// 'production'.

/** @type {import('express').ErrorRequestHandler} */
function answerFault(error, _req, res, next) {
  if (res.headersSent) return next(error);
  const { status = 500 } = error;
  if (status >= 500) console.error(error.stack);
  res.sendStatus(status);
}

module.exports = { answerFault };
