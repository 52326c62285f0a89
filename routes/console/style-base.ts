/** Elements, the frame round every page, and what a reader may have asked of the browser. */
export const styleBase = `
[hidden] { display: none !important; }
*, *::before, *::after { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; overflow-y: scroll; }
body {
  margin: 0;
  background: var(--ground);
  color: var(--text);
  font: 400 0.9375rem/1.55 var(--font);
  font-variant-numeric: tabular-nums;
  overflow-wrap: anywhere;
}
h1, h2, h3 { margin: 0; line-height: 1.25; font-weight: 650; letter-spacing: -0.012em; text-wrap: balance; }
h1 { font-size: 1.5rem; }
h2 { font-size: 1.0625rem; }
h3 { font-size: 0.9375rem; }
p, ul, ol, dl, dd, figure { margin: 0; }
ul, ol { padding: 0; }
a { color: var(--accent); text-decoration-thickness: 1px; text-underline-offset: 0.18em; }
a:hover { color: var(--accent-strong); }
code, pre, kbd, samp { font-family: var(--mono); font-size: 0.875em; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; border-radius: 4px; }
main:focus { outline: none; }
::selection { background: var(--accent); color: var(--on-accent); }
.icon { width: 1em; height: 1em; flex: none; fill: none; stroke: currentColor; stroke-width: 1.6; stroke-linecap: round; stroke-linejoin: round; vertical-align: -0.125em; }
.muted { color: var(--muted); }
.small { font-size: 0.8125rem; }
.nowrap { white-space: nowrap; }
.seen-by-readers { position: absolute; width: 1px; height: 1px; margin: -1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.skip { position: absolute; left: 0.75rem; top: -4rem; z-index: 9; padding: 0.5rem 0.875rem; border-radius: var(--radius-small); background: var(--accent); color: var(--on-accent); }
.skip:focus { top: 0.75rem; color: var(--on-accent); }

.top { background: var(--surface); border-bottom: 1px solid var(--line); }
.top-row { display: flex; flex-wrap: wrap; align-items: center; gap: 0 1.5rem; max-width: 82rem; min-height: 3.5rem; margin: 0 auto; padding: 0 1.5rem; }
.brand { display: inline-flex; align-items: center; gap: 0.5625rem; padding: 0.375rem 0; color: var(--text); font-weight: 680; letter-spacing: -0.015em; text-decoration: none; }
.brand:hover { color: var(--text); }
.brand .icon { width: 1.5rem; height: 1.5rem; }
.mark-ground { fill: var(--accent); stroke: none; }
.mark-line { stroke: var(--on-accent); stroke-width: 1.4; }
.main-nav { flex: 1; min-width: 0; }
.main-nav ul, .tabs ul { display: flex; gap: 0.25rem; list-style: none; }
.main-nav a { display: flex; align-items: center; gap: 0.4375rem; max-width: 16rem; padding: 0.4375rem 0.75rem; border-radius: var(--radius-small); color: var(--muted); font-weight: 520; text-decoration: none; white-space: nowrap; overflow: hidden; text-overflow: ellipsis; }
.main-nav a:hover { background: var(--sunken); color: var(--text); }
.main-nav a[aria-current] { background: var(--accent-soft); color: var(--accent-strong); }
.badge { min-width: 1.3rem; padding: 0 0.375rem; border-radius: 1rem; background: var(--warn-soft); color: var(--warn); font-size: 0.75rem; font-weight: 650; line-height: 1.3rem; text-align: center; }
.who { display: flex; align-items: center; gap: 0.75rem; }
.who-name { display: grid; max-width: 12rem; text-align: right; line-height: 1.25; font-size: 0.8125rem; }
.who-role { color: var(--text); font-weight: 560; }
.who-token { overflow: hidden; color: var(--muted); text-overflow: ellipsis; white-space: nowrap; }
.client-bar { background: var(--surface); border-bottom: 1px solid var(--line); }
.client-name { display: block; max-width: 82rem; margin: 0 auto; padding: 0.75rem 1.5rem 0; font-weight: 650; }
.tabs { max-width: 82rem; margin: 0 auto; padding: 0 0.875rem; overflow-x: auto; scrollbar-width: none; }
.tabs a { display: block; padding: 0.5rem 0.625rem 0.5625rem; border-bottom: 2px solid transparent; color: var(--muted); text-decoration: none; white-space: nowrap; }
.tabs a:hover { color: var(--text); border-bottom-color: var(--line); }
.tabs a[aria-current] { color: var(--text); font-weight: 560; border-bottom-color: var(--accent); }
.tabs a:focus-visible { outline-offset: -3px; }
main { display: grid; gap: 1.25rem; grid-template-columns: minmax(0, 1fr); max-width: 82rem; margin: 0 auto; padding: 1.75rem 1.5rem 4rem; }

@media (max-width: 47.99rem) {
  .top-row { gap: 0 0.75rem; padding: 0.375rem 1rem 0; }
  .brand { flex: 1; }
  .main-nav { order: 3; flex: 1 0 100%; margin: 0 -1rem; overflow-x: auto; scrollbar-width: none; }
  .main-nav ul { padding: 0.125rem 0.625rem 0.375rem; }
  .main-nav a { padding: 0.375rem 0.625rem; }
  .who-token { display: none; }
  .client-name { padding: 0.75rem 1rem 0; }
  .tabs { padding: 0 0.375rem; }
  main { padding: 1.25rem 1rem 3rem; gap: 1rem; }
  h1 { font-size: 1.3125rem; }
}
@media (prefers-reduced-motion: no-preference) {
  a, button, .button, summary { transition: background-color 120ms, border-color 120ms, color 120ms; }
}
@media print {
  :root { --ground: #fff; --surface: #fff; --shadow: none; }
  .top, .tabs, .skip, .actions, .filters, .pager, .no-print { display: none !important; }
  main { padding: 0; max-width: none; }
  .card { break-inside: avoid; }
  .scroll { overflow: visible; }
}
@media (forced-colors: active) {
  .pill, .badge, .card { border: 1px solid; }
  .bar rect, .chart rect { forced-color-adjust: none; }
}
`
