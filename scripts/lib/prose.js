// Takes the English out of a file: comments, doc comments, message strings, test names, paragraphs of Markdown.
// Code, JSDoc types, inline code, links and data strings are left out.
'use strict';

const { strip, tokenize } = require('./strip.js');

/** @typedef {import('./strip.js').Language} Language */
/** A paragraph, a list item, a table cell or a string. @typedef {{ line: number, text: string }} Paragraph line: of its first word */
/** @typedef {{ line: number, text: string }} Line */

/** Replaces inline code, a link or a placeholder. It counts as a word. */
const CODE = 'Code';
const DIRECTIVE = /^\s*(?:biome-|@ts-|@type\b|eslint|SPDX|#!|#region|#endregion|<reference)/;
/** Tags whose next word is a name. */
const NAMING_TAGS = new Set(['param', 'property', 'prop', 'typedef', 'template', 'callback']);
const ABBREVIATIONS = /\b(?:e\.g|i\.e|vs|etc|cf|approx|no)\.$/i;
/** A capital letter, a digit, or the name of a file or a function begins the next sentence. */
const SENTENCE_END = /[.!?]["')\]]*\s+(?=["'([]?(?:[A-Z0-9]|[\w-]*\w[./(]\w|\w+\(\)))/g;
const LONG = 25;

/** @param {string} source @param {number} offset */
const lineAt = (source, offset) => source.slice(0, offset).split('\n').length;

/** Removes `{...}` after a JSDoc tag, with nested braces. Line breaks stay. @param {string} text */
function withoutTypes(text) {
  let out = text;
  for (let match = /@\w+\s*\{/.exec(out); match; match = /@\w+\s*\{/.exec(out)) {
    const open = match.index + match[0].length - 1;
    let depth = 0;
    let end = open;
    do {
      if (out[end] === '{') depth++;
      if (out[end] === '}') depth--;
      end++;
    } while (depth > 0 && end < out.length);
    const tag = match[0].slice(1, -1).trim();
    out = `${out.slice(0, match.index)}\uE000${tag} ${out.slice(open, end).replace(/[^\n]/g, '')}${out.slice(end)}`;
  }
  return out.replace(/(^|[\s*])@(\w+)/g, '$1\uE000$2');
}

/** @param {string} text of a line */
const withoutCode = (text) =>
  text
    .replace(/!?\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replace(/``?[^`]+``?/g, CODE)
    .replace(/https?:\/\/\S*\w/g, CODE)
    .replace(/<[a-z/!][^>]*>/gi, ' ')
    .replace(/\*\*/g, '');

/** @param {Line[]} lines @param {{ markdown?: boolean }} [options] @returns {Paragraph[]} */
function paragraphsOf(lines, { markdown = false } = {}) {
  /** @type {Line[][]} */
  const paragraphs = [];
  /** @type {Line[]} */
  let current = [];
  const close = () => {
    if (current.length > 0) paragraphs.push(current);
    current = [];
  };
  let isFenced = false;
  for (const { line, text } of lines) {
    if (/^\s*(?:```|~~~)/.test(text)) {
      isFenced = !isFenced;
      close();
      continue;
    }
    if (isFenced || (markdown && /^ {4,}\S/.test(text) && current.length === 0)) continue;
    if (text.trim() === '' || /^\s*[-=|:+\s]+$/.test(text)) {
      close();
      continue;
    }
    if (/^\s*\|.*\|\s*$/.test(text)) {
      close();
      for (const cell of text.split(/(?<!\\)\|/)) {
        if (cell.trim() !== '') paragraphs.push([{ line, text: cell }]);
      }
      continue;
    }
    if (/^\s*(?:[-*+]|\d+\.|#+|KEYS\[|ARGV\[|[A-Z]\[)\s?/.test(text)) close();
    const parts = text.replace(/^\s*(?:[-*+]|\d+\.|#+|>)\s/, '').split(/\uE000(\w+)|\s{3,}/);
    parts.forEach((part, index) => {
      if (index % 2 === 1) {
        close();
        return;
      }
      const tag = parts[index - 1];
      if (index > 0 && tag === undefined) close();
      const words =
        tag && NAMING_TAGS.has(tag) ? part.replace(/^\s*(?:\[[^\]]*\]|[\w.$]+)\s*(?:-\s)?/, '') : part;
      if (words.trim() !== '' && tag !== 'type' && tag !== 'import') current.push({ line, text: words });
    });
    if (/^\s*#+\s/.test(text)) close();
  }
  close();
  return paragraphs.map((parts) => ({
    line: parts[0]?.line ?? 1,
    text: withoutCode(parts.map(({ text }) => text.trim()).join('\n')),
  }));
}

/** @param {string} text of a comment or of a line of a block comment @param {Language} language */
function withoutMarker(text, language) {
  if (language === 'lua') return text.replace(/^--(?:\[=*\[)?/, '').replace(/\]=*\]$/, '');
  return text
    .replace(/^\s*\/\*[*!]?/, '')
    .replace(/\*\/$/, '')
    .replace(/^\s*(?:\/\/[/!]?|\*(?!\*))/, '');
}

/** @param {string} source @param {Language} language @returns {Paragraph[]} */
function comments(source, language) {
  /** @type {Line[][]} */
  const blocks = [];
  let end = -1;
  for (const token of tokenize(source, language)) {
    if (token.kind !== 'comment') continue;
    const raw = source.slice(token.start, token.end);
    const isBlock = raw.startsWith('/*') || /^--\[=*\[/.test(raw);
    const firstLine = lineAt(source, token.start);
    const lines = withoutTypes(raw)
      .split('\n')
      .map((text, index) => ({ line: firstLine + index, text: withoutMarker(text, language) }));
    if (DIRECTIVE.test(lines[0]?.text ?? '')) continue;
    const startOfLine = source.lastIndexOf('\n', token.start - 1) + 1;
    const isAlone = source.slice(startOfLine, token.start).trim() === '';
    const isNext = isAlone && !isBlock && /^\n[ \t]*$/.test(source.slice(end, token.start));
    if (isNext) blocks.at(-1)?.push(...lines);
    else blocks.push(lines);
    end = isAlone && !isBlock ? token.end : -1;
  }
  return blocks.flatMap((lines) => paragraphsOf(lines));
}

/** @typedef {{ start: number, end: number, text: string, isPlain: boolean }} Value isPlain: without expressions */

/**
 * String values. Plain literals that are concatenated are one value. An expression in a template is a placeholder.
 * @param {string} source
 * @param {Language} language
 * @returns {Value[]} in the order of the source
 */
function stringsOf(source, language) {
  /** @type {Value[]} */
  const values = [];
  /** @type {Value[]} */
  const open = [];
  for (const { kind, start, end, template } of tokenize(source, language)) {
    if (kind !== 'string') continue;
    const raw = source.slice(start, end);
    if (!template) {
      const text = raw.replace(/^(?:b|r|br|c|cr)?(?:#*["']|\[=*\[)/, '').replace(/(?:["']#*|\]=*\])$/, '');
      values.push({ start, end, text, isPlain: true });
      continue;
    }
    const part = raw.slice(1).replace(/`$/, '');
    const isOpen = part.endsWith('${');
    const text = isOpen ? `${part.slice(0, -2)}${CODE}` : part;
    const value = raw.startsWith('`') ? { start, end, text: '', isPlain: !isOpen } : open.pop();
    if (!value) continue;
    value.text += text;
    value.end = end;
    if (isOpen) open.push(value);
    else values.push(value);
  }
  values.sort((a, b) => a.start - b.start);
  /** @type {Value[]} */
  const merged = [];
  for (const value of values) {
    const last = merged.at(-1);
    const between = last ? strip(source.slice(last.end, value.start), language) : '';
    if (last?.isPlain && value.isPlain && /^\s*\+\s*$/.test(between)) {
      last.text += value.text;
      last.end = value.end;
    } else {
      merged.push(value);
    }
  }
  return merged;
}

/** A string is English where it has three words or more, and most of its parts are words. @param {string} text */
function isEnglish(text) {
  const parts = text.split(/\s+/).filter(Boolean);
  const words = parts.filter((part) => /^["'(]?[A-Za-z][a-z]*(?:['’-][a-z]+)*[.,:;!?)"']*$/.test(part));
  return words.length >= 3 && words.length >= parts.length * 0.6;
}

/** @param {string} source @param {Language} language @returns {Paragraph[]} */
function messages(source, language) {
  return stringsOf(source, language).flatMap(({ start, text }) => {
    const line = lineAt(source, start);
    const unescaped = text
      .replace(/\\\n\s*/g, '')
      .replace(/\\n/g, '\n\n')
      .replace(/\\(.)/g, '$1');
    return unescaped
      .split(/\n\s*\n/)
      .flatMap((part) => (isEnglish(part) ? [{ line, text: withoutCode(part.trim()) }] : []));
  });
}

/** Names of Rust tests, as sentences. @param {string} source @returns {Paragraph[]} */
function rustTests(source) {
  const code = strip(source, 'rs', { strings: true });
  return [...code.matchAll(/#\[test\]\s*(?:#\[[^\]]*\]\s*)*(?:pub )?fn (\w+)/g)].map((match) => ({
    line: lineAt(source, match.index + match[0].length),
    text: (match[1] ?? '').replaceAll('_', ' '),
  }));
}

/** @param {string} source @param {string} file @returns {Paragraph[]} */
function proseOf(source, file) {
  const extension = /\.(\w+)$/.exec(file)?.[1] ?? '';
  if (extension === 'md') {
    const lines = source.split('\n').map((text, index) => ({ line: index + 1, text }));
    return paragraphsOf(lines, { markdown: true });
  }
  const language = extension === 'rs' || extension === 'lua' ? extension : 'js';
  const paragraphs = [...comments(source, language), ...messages(source, language)];
  if (language === 'rs') paragraphs.push(...rustTests(source));
  return paragraphs.sort((a, b) => a.line - b.line);
}

/** @param {Paragraph} paragraph @returns {Array<{ line: number, text: string, words: number }>} */
function sentencesOf({ line, text }) {
  /** @type {Array<{ line: number, text: string, words: number }>} */
  const sentences = [];
  let start = 0;
  const add = (/** @type {number} */ end) => {
    const part = text.slice(start, end);
    const words = part.split(/\s+/).filter((word) => /[A-Za-z0-9]/.test(word)).length;
    if (words > 0) {
      const lead = text.slice(0, start + part.search(/\S/));
      sentences.push({
        line: line + lead.split('\n').length - 1,
        text: part.trim().replace(/\s+/g, ' '),
        words,
      });
    }
    start = end;
  };
  for (const match of text.matchAll(SENTENCE_END)) {
    if (!ABBREVIATIONS.test(text.slice(0, match.index + 1))) add(match.index + match[0].length);
  }
  add(text.length);
  return sentences;
}

module.exports = { CODE, LONG, isEnglish, proseOf, sentencesOf, stringsOf };
