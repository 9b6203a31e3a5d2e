// Finds circles in a graph of imports: of files, and of folders.
'use strict';

/** @typedef {Map<string, Set<string>>} Graph each node and what it imports */
/** @typedef {{ key: string, text: string }} Violation the key has no line numbers */

/**
 * The strongly connected components of more than one node (Tarjan), each sorted. A node that imports itself is one too.
 * @param {Graph} graph
 * @returns {string[][]}
 */
function components(graph) {
  /** @type {Map<string, number>} */
  const order = new Map();
  /** @type {Map<string, number>} */
  const lowest = new Map();
  /** @type {string[]} */
  const stack = [];
  const pending = new Set();
  /** @type {string[][]} */
  const found = [];
  const low = (/** @type {string} */ node) => lowest.get(node) ?? 0;
  /** @param {string} node */
  const visit = (node) => {
    order.set(node, order.size);
    lowest.set(node, order.size - 1);
    stack.push(node);
    pending.add(node);
    for (const next of graph.get(node) ?? []) {
      if (!order.has(next)) visit(next);
      if (pending.has(next)) lowest.set(node, Math.min(low(node), low(next), order.get(next) ?? 0));
    }
    if (low(node) !== order.get(node)) return;
    const component = stack.splice(stack.indexOf(node));
    for (const member of component) pending.delete(member);
    if (component.length > 1 || graph.get(node)?.has(node)) found.push(component.sort());
  };
  for (const node of graph.keys()) if (!order.has(node)) visit(node);
  return found.sort((a, b) => ((a[0] ?? '') < (b[0] ?? '') ? -1 : 1));
}

/**
 * The graph of one level for each folder: its nodes are the folder's own files, and its subfolders as one node each.
 * So settings.rs < redis/ < registry.rs is no circle, although both files are in the folder that contains redis/.
 * A component of this graph is a circle of folders if one of its nodes is a folder: its name ends with a slash.
 * @param {Graph} files
 * @returns {Graph} the levels in one graph: no edge leads from one level to another
 */
function folderLevels(files) {
  /** @type {Graph} */
  const levels = new Map();
  for (const [from, targets] of files) {
    for (const to of targets) {
      const [one, other] = siblings(from, to);
      levels.set(one, (levels.get(one) ?? new Set()).add(other));
    }
  }
  return levels;
}

/** The first names in which two paths differ: src/a/b/c.rs and src/a/d.rs -> src/a/b/ and src/a/d.rs @param {string} one @param {string} other */
function siblings(one, other) {
  const ones = one.split('/');
  const others = other.split('/');
  let at = 0;
  while (at < ones.length && ones[at] === others[at]) at++;
  const name = (/** @type {string[]} */ parts) =>
    parts.slice(0, at + 1).join('/') + (parts.length > at + 1 ? '/' : '');
  return /** @type {const} */ ([name(ones), name(others)]);
}

/**
 * The circles of files and of folders, one violation for each edge that is part of one.
 * @param {Graph} files
 * @returns {Violation[]}
 */
function circleViolations(files) {
  const levels = folderLevels(files);
  const circles = [
    ...components(files).map((members) => ({ kind: 'files', members, graph: files })),
    ...components(levels)
      .filter((members) => members.some((member) => member.endsWith('/')))
      .map((members) => ({ kind: 'folders', members, graph: levels })),
  ];
  return circles.flatMap(({ kind, members, graph }) =>
    members.flatMap((from) =>
      [...(graph.get(from) ?? [])]
        .filter((to) => members.includes(to))
        .map((to) => {
          const edge = `${from} -> ${to}`;
          return { key: `${kind}: ${edge}`, text: `circle of ${members.length} ${kind}: ${edge}` };
        }),
    ),
  );
}

module.exports = { circleViolations, components, folderLevels };
