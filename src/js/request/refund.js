'use strict';
// Refunds the charge of a request when its response is over, if refundOn returns true. The request is finished then: a failure
// is reported, and changes nothing.

const { asError, inputError, isStoreFault } = require('../util/errors.js');
const { isThenable } = require('../util/input.js');
const { warnRefund } = require('../util/warnings.js');

/** @typedef {import('../runtime/native-store.js').Engine} Engine */

/**
 * Asks refundOn once: when the response has finished, or when its connection has gone before that.
 * @param {Engine} engine
 * @param {(res: any) => unknown} refundOn
 * @param {number} charge by which the addon knows it; 0: nothing was charged
 * @param {import('node:http').ServerResponse} res
 */
function refundAfter(engine, refundOn, charge, res) {
  if (charge === 0) return;
  if (res.writableFinished || res.destroyed) {
    settle(engine, refundOn, charge, res);
    return;
  }
  const over = () => {
    res.removeListener('finish', over);
    res.removeListener('close', over);
    settle(engine, refundOn, charge, res);
  };
  res.on('finish', over);
  res.on('close', over);
}

/**
 * @param {Engine} engine
 * @param {(res: any) => unknown} refundOn
 * @param {number} charge
 * @param {import('node:http').ServerResponse} res
 */
function settle(engine, refundOn, charge, res) {
  try {
    if (isDue(refundOn, res)) {
      engine.ask((gate) => gate.refundCharge(charge)).catch((error) => tell(engine, error));
    } else {
      engine.call((gate) => gate.keepCharge(charge));
    }
  } catch (error) {
    engine.gate.keepCharge(charge);
    tell(engine, error);
  }
}

/**
 * @param {(res: any) => unknown} refundOn
 * @param {import('node:http').ServerResponse} res
 */
function isDue(refundOn, res) {
  const due = refundOn(res);
  if (isThenable(due)) throw inputError('quota.refundOn must return true or false, and no promise');
  return Boolean(due);
}

/**
 * @param {Engine} engine
 * @param {unknown} error
 */
function tell(engine, error) {
  const { message } = asError(error);
  if (isStoreFault(error))
    engine.events.emit({ type: 'store-error', message: `a refund failed: ${message}` });
  engine.metrics.warned('LATCHGATE_REFUND');
  warnRefund(message);
}

exports.refundAfter = refundAfter;
