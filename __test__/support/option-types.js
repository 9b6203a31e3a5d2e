// Reads index.d.ts: lists every options object that a public call takes, with the names in it.
'use strict';

const path = require('node:path');
const ts = require('typescript');

const FILE = path.join(__dirname, '..', '..', 'index.d.ts');

/**
 * A parameter that takes options.
 * @typedef {object} Parameter
 * @property {string} call such as `tokens.login(options)`
 * @property {boolean} optional the whole argument may be left out
 * @property {Map<string, string[]>} objects names by the path of the object that they stand in; '' is the argument itself, and
 * `[]` ends the path of a list's element
 */

const program = ts.createProgram([FILE], { strict: true, skipLibCheck: true, types: ['node'] });
const checker = program.getTypeChecker();
const source = /** @type {import('typescript').SourceFile} */ (program.getSourceFile(FILE));

/** @param {import('typescript').Symbol} symbol */
const isOurs = (symbol) => symbol.declarations?.some((each) => each.getSourceFile() === source) === true;

/** @param {import('typescript').Symbol} symbol */
const isMethod = (symbol) => symbol.declarations?.some(ts.isMethodSignature) === true;

/** Whether it holds options: named here, and without methods of its own. @param {import('typescript').Type} type */
function holdsOptions(type) {
  const properties = type.getProperties();
  return properties.length > 0 && properties.every((each) => isOurs(each) && !isMethod(each));
}

/**
 * @param {import('typescript').Type} type
 * @param {string} at path of the value
 * @param {Map<string, string[]>} objects
 */
function collect(type, at, objects) {
  for (const each of type.isUnion() ? type.types : [type]) {
    if (checker.isArrayType(each)) {
      const [element] = checker.getTypeArguments(/** @type {import('typescript').TypeReference} */ (each));
      collect(element, `${at}[]`, objects);
    } else if (each.getCallSignatures().length === 0 && holdsOptions(each)) {
      const properties = each.getProperties();
      objects.set(
        at,
        properties.map(({ name }) => name),
      );
      for (const property of properties)
        collect(
          checker.getTypeOfSymbol(property),
          at === '' ? property.name : `${at}.${property.name}`,
          objects,
        );
    }
  }
}

/**
 * @param {import('typescript').Type} type of a function
 * @param {string} name
 * @returns {Parameter[]}
 */
function parametersOf(type, name) {
  return type.getCallSignatures().flatMap((signature) =>
    signature.getParameters().flatMap((parameter) => {
      const declaration = /** @type {import('typescript').ParameterDeclaration} */ (
        parameter.valueDeclaration
      );
      /** @type {Map<string, string[]>} */
      const objects = new Map();
      collect(checker.getTypeOfSymbol(parameter), '', objects);
      if (objects.size === 0) return [];
      const optional = declaration.questionToken !== undefined;
      return [{ call: `${name}(${parameter.name})`, optional, objects }];
    }),
  );
}

/**
 * @param {import('typescript').Type} type of an object with methods
 * @param {string} prefix
 * @returns {Parameter[]}
 */
function methodsOf(type, prefix) {
  return type.getProperties().flatMap((member) => {
    const of = checker.getTypeOfSymbol(member);
    const name = `${prefix}${member.name}`;
    return isMethod(member) ? parametersOf(of, name) : methodsOf(of, `${name}.`).filter(() => isOurs(member));
  });
}

/** @returns {Parameter[]} */
function optionParameters() {
  const exported = checker.getExportsOfModule(
    /** @type {import('typescript').Symbol} */ (checker.getSymbolAtLocation(source)),
  );
  return exported.flatMap((symbol) => {
    if (symbol.name === 'Auth') return methodsOf(checker.getDeclaredTypeOfSymbol(symbol), '');
    if (symbol.name === 'RequestAuth') return methodsOf(checker.getDeclaredTypeOfSymbol(symbol), 'req.auth.');
    if ((symbol.flags & ts.SymbolFlags.Function) === 0) return [];
    return parametersOf(checker.getTypeOfSymbol(symbol), symbol.name);
  });
}

module.exports = { optionParameters };
