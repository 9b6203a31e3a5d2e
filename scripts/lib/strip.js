// Splits JavaScript, Rust and Lua source into code, comments and literals for the checks. A scanner, not a parser.
'use strict';

/** @typedef {'js' | 'rs' | 'lua'} Language */
/**
 * A comment or a literal. Code is the text between two tokens. A template literal is one token for each of its text
 * parts; the expressions in it are code.
 * @typedef {{ kind: 'comment' | 'string' | 'regex', start: number, end: number, template?: boolean }} Token
 */

/** Keeps line breaks, so that line numbers stay valid. @param {string} text */
const blank = (text) => text.replace(/[^\n]/g, ' ');

/** @type {Record<Language, Array<{ kind: 'comment' | 'string', pattern: RegExp }>>} */
const RULES = {
  rs: [
    { kind: 'comment', pattern: /\/\/[^\n]*/y },
    { kind: 'string', pattern: /(?:br|cr|r)(#*)"[\s\S]*?"\1/y },
    { kind: 'string', pattern: /[bc]?"(?:\\[\s\S]|[^"\\])*"/y },
    // 'a' and '\n' are characters; 'a alone is a lifetime, which is code.
    { kind: 'string', pattern: /b?'(?:\\(?:u\{[^}]*\}|x..|.)|[^'\\\n])'/y },
  ],
  js: [
    { kind: 'comment', pattern: /\/\/[^\n]*/y },
    { kind: 'comment', pattern: /\/\*[\s\S]*?\*\//y },
    { kind: 'string', pattern: /'(?:\\[\s\S]|[^'\\\n])*'/y },
    { kind: 'string', pattern: /"(?:\\[\s\S]|[^"\\\n])*"/y },
  ],
  lua: [
    { kind: 'comment', pattern: /--\[(=*)\[[\s\S]*?\]\1\]/y },
    { kind: 'comment', pattern: /--[^\n]*/y },
    { kind: 'string', pattern: /\[(=*)\[[\s\S]*?\]\1\]/y },
    { kind: 'string', pattern: /'(?:\\[\s\S]|[^'\\\n])*'/y },
    { kind: 'string', pattern: /"(?:\\[\s\S]|[^"\\\n])*"/y },
  ],
};

// A slash begins a regular expression if no value precedes it.
const REGEX = /\/(?![*/])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\[\n])+\/[a-z]*/y;
const BEFORE_REGEX = /(?:^|[(,=:[!&|?{};+\-*%<>~^\n]|\breturn|\btypeof|\bcase|=>)\s*$/;
/** A text part of a template literal, up to its end or to the next expression. */
const TEMPLATE_PART = /(?:\\[\s\S]|\$(?!\{)|[^`\\$])*(?:`|\$\{|$)/y;

/** Rust's block comments nest. @param {string} source @param {number} start */
function endOfBlockComment(source, start) {
  let depth = 0;
  for (let at = start; at < source.length; at++) {
    if (source.startsWith('/*', at)) {
      depth++;
      at++;
    } else if (source.startsWith('*/', at)) {
      depth--;
      at++;
      if (depth === 0) return at + 1;
    }
  }
  return source.length;
}

/** @param {string} source @param {number} at @param {Language} language @returns {Token | undefined} */
function tokenAt(source, at, language) {
  if (language === 'rs' && source.startsWith('/*', at))
    return { kind: 'comment', start: at, end: endOfBlockComment(source, at) };
  if (/\w/.test(source[at - 1] ?? ' ') && /\w/.test(source[at] ?? '')) return undefined;
  for (const { kind, pattern } of RULES[language]) {
    pattern.lastIndex = at;
    if (pattern.test(source)) return { kind, start: at, end: pattern.lastIndex };
  }
  return undefined;
}

/** @param {string} source @param {Language} language @returns {Token[]} in the order of the source */
function tokenize(source, language) {
  /** @type {Token[]} */
  const tokens = [];
  /** Braces open within the expressions of template literals, the innermost last. @type {number[]} */
  const depths = [];
  let code = '';
  let at = 0;
  while (at < source.length) {
    const char = source[at] ?? '';
    let token = tokenAt(source, at, language);
    if (!token && language === 'js') {
      const isContinuation = char === '}' && depths.at(-1) === 0;
      if (char === '`' || isContinuation) {
        if (isContinuation) depths.pop();
        TEMPLATE_PART.lastIndex = at + 1;
        TEMPLATE_PART.test(source);
        token = { kind: 'string', start: at, end: TEMPLATE_PART.lastIndex, template: true };
        if (source.slice(at + 1, token.end).endsWith('${')) depths.push(0);
      } else if (char === '/' && BEFORE_REGEX.test(code.slice(-80))) {
        REGEX.lastIndex = at;
        if (REGEX.test(source)) token = { kind: 'regex', start: at, end: REGEX.lastIndex };
      } else if (depths.length > 0 && '{}'.includes(char)) {
        depths.push((depths.pop() ?? 0) + (char === '{' ? 1 : -1));
      }
    }
    if (!token) {
      code += char;
      at++;
      continue;
    }
    tokens.push(token);
    code += token.kind === 'comment' ? blank(source.slice(at, token.end)) : source.slice(at, token.end);
    at = token.end;
  }
  return tokens;
}

/**
 * @param {string} source
 * @param {Language} language
 * @param {{ strings?: boolean }} [options] strings: blank string literals and regular expressions too
 */
function strip(source, language, { strings = false } = {}) {
  let out = '';
  let at = 0;
  for (const { kind, start, end } of tokenize(source, language)) {
    const text = source.slice(start, end);
    out += source.slice(at, start) + (kind === 'comment' || strings ? blank(text) : text);
    at = end;
  }
  return out + source.slice(at);
}

module.exports = { strip, tokenize };
