'use strict';
// What the apps on latchgate ask of a body, and else answer 400, before anything is charged, locked or written.

/** @param {string} field @param {(value: any) => boolean} isGood @returns {import('express').RequestHandler} */
const asked = (field, isGood) => (req, res, next) => {
  if (isGood(req.body?.[field])) next();
  else res.status(400).json({ error: 'invalid_request' });
};

/** A name without separators. @param {string} field */
const name = (field) => asked(field, (value) => typeof value === 'string' && /^[\w.-]{1,128}$/.test(value));

/** A positive integer. @param {string} field @param {number} [most] */
const count = (field, most = Number.MAX_SAFE_INTEGER) =>
  asked(field, (value) => Number.isSafeInteger(value) && value >= 1 && value <= most);

/** @param {string} field @param {number} most UTF-16 units */
const text = (field, most) => asked(field, (value) => typeof value === 'string' && value.length <= most);

module.exports = { count, name, text };
