// Reads workflow files and shell scripts line by line, as far as the checks need: it knows no YAML beyond `key: value`.
'use strict';

/** Without a comment at its end. @param {string} line */
const uncommented = (line) => line.replace(/(?:^|\s)#.*$/, '');

/**
 * The values of these keys, anywhere. `key:` before a block has none.
 * @param {string} text
 * @param {string[]} keys
 * @returns {string[]}
 */
function valuesOf(text, keys) {
  const line = new RegExp(`^\\s*(?:- )?(?:["']?(?:${keys.join('|')})["']?):[ \\t]+(\\S.*)$`);
  return text
    .split('\n')
    .map((each) => line.exec(uncommented(each))?.[1])
    .filter((value) => value !== undefined)
    .map((value) => value.trim().replace(/^(["'])(.*)\1$/, '$2'));
}

/**
 * The commands of a script, and of the scripts within a workflow: continued lines joined, comments left out.
 * @param {string} text
 * @returns {string[]}
 */
function shellCommands(text) {
  return text
    .split('\n')
    .map(uncommented)
    .join('\n')
    .replace(/\\\n\s*/g, '')
    .split(/\n|&&|\|\||;|\|/)
    .filter((command) => command.trim() !== '');
}

module.exports = { shellCommands, valuesOf };
