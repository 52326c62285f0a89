/** Lists, tables, bars, charts and timelines. */
export const styleData = `
.filters { display: grid; gap: 0.625rem 0.75rem; grid-template-columns: repeat(auto-fit, minmax(min(9.5rem, 100%), 1fr)); align-items: end; }
.filters .wide { grid-column: span 2; }
.filters label { font-size: 0.8125rem; font-weight: 500; color: var(--muted); }
.filters .actions { grid-column: auto; }
@media (max-width: 47.99rem) { .filters .wide { grid-column: auto; } }

.runs { display: grid; list-style: none; overflow: hidden; border: 1px solid var(--line); border-radius: var(--radius); background: var(--surface); box-shadow: var(--shadow); }
.run { position: relative; display: grid; gap: 0.375rem 1.25rem; grid-template-columns: minmax(0, 1fr) auto; padding: 0.8125rem 1.25rem; }
.run + .run { border-top: 1px solid var(--line); }
.run:hover { background: color-mix(in srgb, var(--accent-soft) 35%, transparent); }
.run-name a { color: var(--text); font-weight: 560; text-decoration: none; }
.run-name a::after { content: ''; position: absolute; inset: 0; }
.run-name a:focus-visible { outline: none; }
.run:focus-within { outline: 2px solid var(--accent); outline-offset: -2px; border-radius: var(--radius-small); }
.run-meta { display: flex; flex-wrap: wrap; gap: 0 0.75rem; color: var(--muted); font-size: 0.8125rem; }
.run-state { justify-self: end; align-self: end; }
.run > div:first-child { grid-column: 1 / -1; }
.run-figures { min-width: 0; display: grid; gap: 0.25rem; font-size: 0.8125rem; color: var(--muted); }
.run-figures strong { color: var(--text); font-weight: 560; }
@media (min-width: 56rem) {
  .runs:not(.compact) .run { grid-template-columns: minmax(0, 1fr) 21rem 10.5rem; align-items: center; }
  .runs:not(.compact) .run > div:first-child { grid-column: 1; }
  .runs:not(.compact) .run-figures { grid-column: 2; grid-row: 1; }
  .runs:not(.compact) .run-state { grid-column: 3; grid-row: 1; align-self: center; }
}

.bar { display: block; width: 100%; height: 0.5rem; border-radius: 1rem; background: var(--sunken); }
.run .bar { height: 0.3125rem; }
.created { fill: var(--bar-created); background: var(--bar-created); }
.updated { fill: var(--bar-updated); background: var(--bar-updated); }
.unchanged { fill: var(--bar-unchanged); background: var(--bar-unchanged); }
.skipped { fill: var(--bar-skipped); background: var(--bar-skipped); }
.failed { fill: var(--bar-failed); background: var(--bar-failed); }
.deactivated { fill: none; background: var(--edge); }
.legend { display: grid; align-items: end; gap: 0.75rem 1rem; grid-template-columns: repeat(auto-fit, minmax(6.25rem, 1fr)); }
.legend div { display: grid; }
.legend dt { display: flex; align-items: center; gap: 0.4375rem; color: var(--muted); font-size: 0.8125rem; }
.legend dt i { width: 0.625rem; height: 0.625rem; border-radius: 0.1875rem; flex: none; }
.legend dd { font-size: 1.25rem; font-weight: 620; letter-spacing: -0.01em; }

.facts { display: grid; grid-template-columns: minmax(6.5rem, auto) minmax(0, 1fr); gap: 0.4375rem 1.25rem; }
.facts dt { color: var(--muted); }
.facts dd { min-width: 0; }
.lines { white-space: pre-wrap; }
.timeline { display: grid; list-style: none; }
.timeline li { position: relative; display: grid; gap: 0.0625rem; padding: 0 0 1rem 1.75rem; }
.timeline li:last-child { padding-bottom: 0; }
.timeline li::before { content: ''; position: absolute; left: 0.25rem; top: 0.3125rem; width: 0.75rem; height: 0.75rem; border: 2px solid var(--edge); border-radius: 50%; background: var(--surface); }
.timeline li::after { content: ''; position: absolute; left: calc(0.625rem - 1px); top: 1.1875rem; bottom: -0.1875rem; width: 2px; background: var(--line); }
.timeline li:last-child::after { display: none; }
.timeline li.past::before { border-color: var(--ok); background: var(--ok); }
.timeline li.now::before { border-color: var(--accent); background: var(--accent-soft); }
.timeline li.bad::before { border-color: var(--bad); background: var(--bad); }
.timeline li.warn::before { border-color: var(--warn); background: var(--warn); }
.timeline li.next { color: var(--muted); }

.reasons { display: grid; gap: 0.25rem; list-style: none; }
.reasons a { display: grid; grid-template-columns: 3.25rem minmax(0, 1fr) auto; gap: 0 0.75rem; align-items: baseline; margin: 0 -0.625rem; padding: 0.375rem 0.625rem; border-radius: var(--radius-small); color: inherit; text-decoration: none; }
.reasons a:hover { background: var(--sunken); }
.reasons a[aria-current] { background: var(--accent-soft); }
.reasons .code { color: var(--muted); font-family: var(--mono); font-size: 0.8125rem; }
.reasons .bar { grid-column: 2 / -1; height: 0.25rem; margin-top: 0.1875rem; }

/* A shadow at the right edge as long as there is more to the right. */
.scroll { overflow-x: auto; border: 1px solid var(--line); border-radius: var(--radius); background: linear-gradient(to left, var(--surface) 40%, transparent) right / 2.5rem 100% no-repeat local, linear-gradient(to left, var(--edge-shadow), transparent) right / 0.875rem 100% no-repeat scroll, var(--surface); box-shadow: var(--shadow); }
.card .scroll { box-shadow: none; border-radius: var(--radius-small); }
table { width: 100%; border-collapse: collapse; }
caption { padding: 0.75rem 1rem; text-align: left; font-weight: 600; }
th, td { max-width: 26rem; padding: 0.5625rem 1rem; text-align: left; vertical-align: top; overflow-wrap: break-word; }
thead th { position: sticky; top: 0; vertical-align: bottom; background: var(--ground); color: var(--muted); font-size: 0.8125rem; font-weight: 540; white-space: nowrap; }
tbody tr { border-top: 1px solid var(--line); }
tbody th { font-weight: 540; }
.wordy td { min-width: 6.5rem; }
td.number, th.number { text-align: right; white-space: nowrap; }
.cells td { max-width: 22rem; min-width: 6rem; white-space: pre-wrap; overflow-wrap: break-word; }
.cells td.bad { background: var(--bad-soft); color: var(--bad); box-shadow: inset 0 0 0 1px var(--bad); }
.cells td.why { min-width: 19rem; white-space: normal; }
.cells td.why li { list-style: none; }
.cells td.why li + li { margin-top: 0.375rem; }
.cells .blank { color: var(--muted); font-style: italic; }
.cells td.bad .blank { color: inherit; }
/* On a phone a column is as wide as it needs to be read, and the table moves below the finger. */
@media (max-width: 47.99rem) {
  .scroll table { width: max-content; min-width: 100%; }
  .scroll th, .scroll td { max-width: 15rem; padding: 0.5rem 0.75rem; }
  .cells td.why { min-width: 15rem; }
}
.row-actions { display: flex; flex-wrap: wrap; gap: 0.375rem; justify-content: flex-end; }
.row-actions button { min-height: 1.875rem; padding: 0.1875rem 0.625rem; font-size: 0.8125rem; }
.pager { display: flex; justify-content: space-between; gap: 1rem; }

.chart { display: block; overflow: visible; }
.chart text { fill: var(--muted); font: 500 11px var(--font); }
.chart .grid { stroke: var(--line); stroke-width: 1; }
.chart .rows { fill: var(--bar-created); }
.chart .failures { fill: var(--bar-failed); }
.key { display: inline-block; width: 0.625rem; height: 0.625rem; margin: 0 0.375rem 0 0.75rem; border-radius: 0.1875rem; }
.key:first-child { margin-left: 0; }
.key.rows { background: var(--bar-created); }
.key.failures { background: var(--bar-failed); }
.tiles { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fit, minmax(min(9rem, 100%), 1fr)); }
.tile { display: grid; gap: 0.125rem; padding: 0.875rem 1.125rem; border: 1px solid var(--line); border-radius: var(--radius); background: var(--surface); box-shadow: var(--shadow); }
.tile dt { color: var(--muted); font-size: 0.8125rem; }
.tile dd { font-size: 1.375rem; font-weight: 640; letter-spacing: -0.015em; }
.tile .small { font-weight: 400; letter-spacing: 0; }
.mail-frame { display: block; width: 100%; height: 36rem; border: 0; border-radius: var(--radius-small); background: #fff; }
pre.text { margin: 0; padding: 1rem; overflow-x: auto; white-space: pre-wrap; }
.diff del { color: var(--bad); background: var(--bad-soft); text-decoration: line-through; }
.diff ins { color: var(--ok); background: var(--ok-soft); text-decoration: none; }
`
