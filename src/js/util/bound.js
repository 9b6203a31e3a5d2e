'use strict';
// Binds methods, so that they work without their object: `const { middleware, requireScope } = createAuth()`.

/**
 * Binds the methods of an object's class to the object.
 * @template {object} T
 * @param {T} object
 * @returns {T}
 */
function bound(object) {
  const methods = Object.getPrototypeOf(object);
  for (const name of Object.getOwnPropertyNames(methods)) {
    if (name === 'constructor') continue;
    const value = methods[name].bind(object);
    Object.defineProperty(object, name, { value, writable: true, configurable: true });
  }
  return object;
}

module.exports = { bound };
