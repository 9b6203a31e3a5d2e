'use strict';
// How the report looks: by day and by night.

/** The colours of what is run, beside the unprotected and the protected app: as many as a scenario has. */
const FURTHER = ['third', 'fourth', 'fifth'];
const TONES = ['unprotected', 'protected', ...FURTHER];

const tones = TONES.map(
  (tone) =>
    `.band.${tone} { fill: var(--${tone}); } .line.${tone} { stroke: var(--${tone}); } .dot.${tone} { fill: var(--${tone}); }`,
).join('\n');

const STYLE = `
:root { color-scheme: light dark; --paper: #fbfaf7; --ink: #22252b; --soft: #666b75; --line: #e5e2da; --card: #ffffff; --pale: #f4e4de;
  --unprotected: #c2452d; --half: #e6a593; --protected: #1f7a72; --third: #b07d12; --fourth: #6b5bb0; --fifth: #3f78b5; }
@media (prefers-color-scheme: dark) { :root { --paper: #16181c; --ink: #e8e6e1; --soft: #9aa0a9; --line: #2d3138; --card: #1d2025; --pale: #3a2622;
  --unprotected: #ef7b60; --half: #8d4636; --protected: #4fbfb3; --third: #d9b352; --fourth: #a99bea; --fifth: #7fb2e6; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.55 system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; }
main { max-width: 1060px; margin: 0 auto; padding: 52px 22px 80px; }
h1 { font-size: 40px; line-height: 1.1; margin: 0 0 12px; letter-spacing: -0.025em; }
h2 { font-size: 22px; margin: 0; letter-spacing: -0.01em; } h3 { font-size: 15px; margin: 20px 0 4px; }
p { margin: 8px 0; max-width: 76ch; } .soft { color: var(--soft); } .fine { font-size: 14px; } a { color: inherit; }
.heads { display: grid; grid-template-columns: repeat(auto-fit, minmax(230px, 1fr)); gap: 14px; margin: 28px 0 10px; }
.head { background: var(--card); border: 1px solid var(--line); border-radius: 12px; padding: 18px 20px; }
.head b { display: block; font-size: 38px; line-height: 1.15; letter-spacing: -0.02em; font-variant-numeric: tabular-nums; }
.head span { font-size: 14px; color: var(--soft); display: block; line-height: 1.4; }
.head.wrong b { color: var(--unprotected); } .head.right b { color: var(--protected); }
.notice { border-left: 4px solid var(--third); padding: 8px 16px; margin: 20px 0; background: var(--card); }
section { background: var(--card); border: 1px solid var(--line); border-radius: 14px; padding: 24px 26px; margin: 22px 0; }
section h2 .id { color: var(--soft); font-weight: 500; margin-right: 10px; }
.verdict { font-size: 18px; margin: 12px 0 4px; }
.row { display: grid; grid-template-columns: repeat(auto-fill, minmax(270px, 1fr)); gap: 18px 22px; margin-top: 14px; }
figure { margin: 0; } figcaption { font-size: 13px; color: var(--soft); margin-bottom: 4px; } figcaption b { color: var(--ink); font-weight: 600; }
svg { width: 100%; height: auto; display: block; } svg text { font: 11px system-ui, "DejaVu Sans", sans-serif; fill: var(--soft); }
svg text.end { text-anchor: end; } svg text.middle { text-anchor: middle; } svg text.small { fill: var(--ink); font-size: 10px; }
.grid { stroke: var(--line); stroke-width: 1; } rect.one { fill: var(--half); } rect.many { fill: var(--unprotected); }
.band { opacity: 0.13; } .line { fill: none; stroke-width: 2; }
${tones}
.ordinary { fill: var(--soft); opacity: 0.4; } .culprit { fill: var(--unprotected); }
.keys { font-size: 13px; color: var(--soft); margin-top: 8px; max-width: none; } .keys span { white-space: nowrap; margin-right: 16px; } figcaption span { margin-left: 8px; }
i.key { display: inline-block; width: 10px; height: 10px; border-radius: 3px; margin-right: 6px; }
table { border-collapse: collapse; width: 100%; font-size: 14px; font-variant-numeric: tabular-nums; }
th, td { text-align: right; padding: 6px 8px; border-bottom: 1px solid var(--line); vertical-align: top; }
th:first-child, td:first-child { text-align: left; } th { color: var(--soft); font-weight: 500; }
tr:last-child td { border-bottom: 0; } td a { text-decoration: none; } td a:hover { text-decoration: underline; }
.meter { display: block; height: 4px; border-radius: 2px; margin: 3px 0 0 auto; background: var(--unprotected); }
.zero { color: var(--protected); font-weight: 600; } .bad { color: var(--unprotected); font-weight: 600; }
.scroll + .scroll, .row + .scroll, svg + .scroll { margin-top: 22px; } details { margin-top: 14px; } summary { cursor: pointer; color: var(--soft); font-size: 14px; } .scroll { overflow-x: auto; }
@media (max-width: 640px) { main { padding: 28px 12px; } section { padding: 18px 14px; } h1 { font-size: 32px; } }
@media print { section { break-inside: avoid; } }`;

module.exports = { FURTHER, STYLE };
