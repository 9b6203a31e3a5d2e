// Blanks comments, and strings where asked, out of JavaScript and Rust source, so that a check which looks for
// imports is not misled by prose. Line breaks stay, so that line numbers hold. A scanner, not a parser.
'use strict';

/** @param {string} text */
const blank = (text) => text.replace(/[^\n]/g, ' ');

const RUST = [
  { kind: 'comment', pattern: /\/\/[^\n]*/y },
  { kind: 'string', pattern: /(?:br|cr|r)(#*)"[\s\S]*?"\1/y },
  { kind: 'string', pattern: /[bc]?"(?:\\[\s\S]|[^"\\])*"/y },
  // 'a' and '\n' are characters; 'a alone is a lifetime and stays.
  { kind: 'string', pattern: /b?'(?:\\(?:u\{[^}]*\}|x..|.)|[^'\\\n])'/y },
];

const JS = [
  { kind: 'comment', pattern: /\/\/[^\n]*/y },
  { kind: 'comment', pattern: /\/\*[\s\S]*?\*\//y },
  { kind: 'string', pattern: /'(?:\\[\s\S]|[^'\\\n])*'/y },
  { kind: 'string', pattern: /"(?:\\[\s\S]|[^"\\\n])*"/y },
  { kind: 'string', pattern: /`(?:\\[\s\S]|[^`\\])*`/y },
];

// A slash begins a regular expression where no value stands before it.
const REGEX = /\/(?![*/])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\[\n])+\/[a-z]*/y;
const BEFORE_REGEX = /(?:^|[(,=:[!&|?{};+\-*%<>~^\n]|\breturn|\btypeof|\bcase|=>)\s*$/;

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

/**
 * @param {string} source
 * @param {'rs' | 'js'} language
 * @param {{ strings?: boolean }} [options] strings: blank what stands in quotes too
 */
function strip(source, language, { strings = false } = {}) {
  const rules = language === 'rs' ? RUST : JS;
  let out = '';
  let at = 0;
  while (at < source.length) {
    let end = at;
    let kind = '';
    if (language === 'rs' && source.startsWith('/*', at)) {
      end = endOfBlockComment(source, at);
      kind = 'comment';
    } else if (!/\w/.test(source[at - 1] ?? ' ') || !/\w/.test(source[at] ?? '')) {
      for (const rule of rules) {
        rule.pattern.lastIndex = at;
        if (rule.pattern.test(source)) {
          end = rule.pattern.lastIndex;
          kind = rule.kind;
          break;
        }
      }
      if (!kind && language === 'js' && source[at] === '/' && BEFORE_REGEX.test(out.slice(-80))) {
        REGEX.lastIndex = at;
        if (REGEX.test(source)) {
          end = REGEX.lastIndex;
          kind = 'string';
        }
      }
    }
    if (!kind) {
      out += source[at++];
      continue;
    }
    const text = source.slice(at, end);
    out += kind === 'comment' || strings ? blank(text) : text;
    at = end;
  }
  return out;
}

module.exports = { strip };
