// The package locks of the repository, and the form of what they hold.
'use strict';

/**
 * One package of a lock (lockfileVersion 3), as far as the scripts look at it.
 * @typedef {object} Entry
 * @property {string} [name] where the directory has another one: an alias
 * @property {string} [version]
 * @property {string} [resolved]
 * @property {string} [integrity]
 * @property {boolean} [link]
 * @property {boolean} [dev]
 * @property {boolean} [optional]
 * @property {boolean} [hasInstallScript]
 * @property {Record<string, string>} [optionalDependencies]
 */

const LOCKS = ['package-lock.json', 'bench/package-lock.json'];

module.exports = { LOCKS };
