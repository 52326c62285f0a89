/** Cards, buttons, forms, pills and notices. */
export const styleParts = `
.head { display: flex; flex-wrap: wrap; align-items: flex-start; justify-content: space-between; gap: 0.75rem 1.5rem; }
.head-text { display: grid; gap: 0.3125rem; min-width: 0; max-width: 46rem; }
.head-text > p { color: var(--muted); }
.crumbs { font-size: 0.8125rem; color: var(--muted); }
.title-row { display: flex; flex-wrap: wrap; align-items: center; gap: 0.5rem 0.75rem; }
.card { display: grid; gap: 0.875rem; align-content: start; min-width: 0; padding: 1.25rem; border: 1px solid var(--line); border-radius: var(--radius); background: var(--surface); box-shadow: var(--shadow); }
.card > h2 { display: flex; align-items: center; justify-content: space-between; gap: 1rem; }
.columns { display: grid; gap: 1.25rem; grid-template-columns: minmax(0, 1fr); align-items: start; }

.stack-small { display: grid; gap: 0.25rem; }
.stack { display: grid; gap: 1.25rem; grid-template-columns: minmax(0, 1fr); }
@media (min-width: 62rem) {
  .columns { grid-template-columns: minmax(0, 2fr) minmax(0, 1fr); }
  .columns.even { grid-template-columns: repeat(2, minmax(0, 1fr)); }
}

.button, button { display: inline-flex; align-items: center; justify-content: center; gap: 0.4375rem; min-height: 2.25rem; padding: 0.375rem 0.875rem; border: 1px solid var(--line); border-radius: var(--radius-small); background: var(--surface); color: var(--text); font: inherit; font-weight: 540; line-height: 1.3; text-decoration: none; cursor: pointer; }
.button:hover, button:hover { border-color: var(--edge); color: var(--text); background: var(--sunken); }
.button.primary, button.primary { border-color: transparent; background: var(--accent); color: var(--on-accent); }
.button.primary:hover, button.primary:hover { background: var(--accent-strong); color: var(--on-accent); }
.button.danger, button.danger { border-color: var(--bad); color: var(--bad); }
.button.danger:hover, button.danger:hover { background: var(--bad-soft); color: var(--bad); }
button.quiet { border-color: transparent; background: none; color: var(--muted); }
button.quiet:hover { background: var(--sunken); color: var(--text); }
button[disabled] { opacity: 0.55; cursor: default; }
.actions { display: flex; flex-wrap: wrap; align-items: flex-start; gap: 0.5rem; }

details.action { position: relative; }
details.action > summary { list-style: none; }
details.action > summary::-webkit-details-marker { display: none; }
.action-panel { position: absolute; right: 0; z-index: 5; display: grid; gap: 0.75rem; width: min(25rem, calc(100vw - 2rem)); margin-top: 0.375rem; padding: 1rem; border: 1px solid var(--line); border-radius: var(--radius); background: var(--surface); box-shadow: 0 8px 30px rgb(0 0 0 / 18%); }
@media (max-width: 47.99rem) {
  .head > .actions { width: 100%; }
  details.action[open] { flex: 1 0 100%; }
  .action-panel { position: static; width: auto; box-shadow: none; }
}

.pill { display: inline-flex; align-items: center; gap: 0.3125rem; padding: 0.0625rem 0.5625rem 0.0625rem 0.4375rem; border-radius: 1rem; font-size: 0.8125rem; font-weight: 560; white-space: nowrap; }
.pill.ok { background: var(--ok-soft); color: var(--ok); }
.pill.warn { background: var(--warn-soft); color: var(--warn); }
.pill.bad { background: var(--bad-soft); color: var(--bad); }
.pill.calm { background: var(--calm-soft); color: var(--calm); }
.pill.busy { background: var(--accent-soft); color: var(--accent-strong); }
@media (prefers-reduced-motion: no-preference) {
  .pill.busy .icon { animation: turn 1.6s linear infinite; }
  @keyframes turn { to { transform: rotate(360deg); } }
}
.tag { display: inline-block; padding: 0 0.4375rem; border: 1px solid var(--line); border-radius: 0.3125rem; color: var(--muted); font-size: 0.75rem; line-height: 1.125rem; vertical-align: 0.0625rem; white-space: nowrap; }

.banner { display: flex; gap: 0.5rem; align-items: baseline; padding: 0.6875rem 1rem; border-radius: var(--radius); }
.banner .icon { align-self: center; }
.banner.ok { background: var(--ok-soft); color: var(--ok); }
.banner.warn { background: var(--warn-soft); color: var(--warn); }
.banner.bad { background: var(--bad-soft); color: var(--bad); }
.banner.info { background: var(--accent-soft); color: var(--text); }
.banner a { color: inherit; }
.empty { display: grid; justify-items: center; gap: 0.625rem; padding: 3rem 1.25rem; text-align: center; }
.empty > p { max-width: 34rem; color: var(--muted); }
.empty-mark { font-size: 2.5rem; line-height: 1; color: var(--edge); }
.empty-mark .icon { stroke-width: 1; }

form.fields, .fields { display: grid; gap: 1rem; }
.field { display: grid; gap: 0.25rem; min-width: 0; }
.field > label, .label, legend { font-weight: 560; }
.hint { color: var(--muted); font-size: 0.8125rem; }
.fault { color: var(--bad); font-size: 0.8125rem; }
input, select, textarea { min-height: 2.25rem; width: 100%; padding: 0.375rem 0.625rem; border: 1px solid var(--edge); border-radius: var(--radius-small); background: var(--surface); color: var(--text); font: inherit; line-height: 1.4; }
textarea { min-height: 4.5rem; resize: vertical; }
textarea.tall { min-height: 12rem; }
select { padding-right: 0.375rem; }
input[type='checkbox'], input[type='radio'] { width: 1.0625rem; height: 1.0625rem; min-height: 0; margin: 0.25rem 0 0; accent-color: var(--accent); flex: none; }
input[aria-invalid='true'], textarea[aria-invalid='true'] { border-color: var(--bad); box-shadow: 0 0 0 1px var(--bad); }
.choice { display: flex; gap: 0.5625rem; align-items: flex-start; }
.choice .hint { display: block; }
legend { padding: 0; margin-bottom: 0.375rem; }
fieldset.pair.tight { gap: 0.5rem 1rem; grid-template-columns: repeat(auto-fill, minmax(min(9.5rem, 100%), 1fr)); }
fieldset { display: grid; gap: 0.625rem; min-width: 0; margin: 0; padding: 0; border: 0; }
.pair { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fit, minmax(min(14rem, 100%), 1fr)); align-items: start; }
.narrow { width: 100%; max-width: 27rem; margin: 8vh auto 0; }
.middle { width: 100%; max-width: 46rem; }

.copy { display: grid; grid-template-columns: minmax(0, 1fr) auto; align-items: center; gap: 0.5rem; padding: 0.375rem 0.375rem 0.375rem 0.75rem; border: 1px solid var(--line); border-radius: var(--radius-small); background: var(--ground); }
.copy code { overflow-x: auto; white-space: pre; padding: 0.25rem 0; scrollbar-width: thin; }
.copy button { min-height: 1.875rem; padding: 0.1875rem 0.625rem; font-size: 0.8125rem; }
.secret { font-size: 1.125rem; letter-spacing: 0.02em; }
.segments { display: inline-flex; justify-self: start; padding: 0.1875rem; border-radius: var(--radius-small); background: var(--sunken); }
.segments a { padding: 0.3125rem 0.875rem; border-radius: 0.3125rem; color: var(--muted); text-decoration: none; }
.segments a:hover { color: var(--text); }
.segments a[aria-current] { background: var(--surface); color: var(--text); font-weight: 560; box-shadow: var(--shadow); }
.drop-area { display: grid; justify-items: center; gap: 0.5rem; padding: 3rem 1.25rem; border: 2px dashed var(--edge); border-radius: var(--radius); background: var(--ground); text-align: center; cursor: pointer; }
.drop-area:hover, .drop-area.over { border-color: var(--accent); background: var(--accent-soft); }
.drop-area .icon { width: 2rem; height: 2rem; color: var(--accent); stroke-width: 1.2; }
.drop-area input { max-width: 22rem; margin-top: 0.5rem; background: var(--surface); }
progress { appearance: none; display: block; width: 100%; height: 0.375rem; border: 0; border-radius: 1rem; overflow: hidden; background: var(--sunken); }
progress::-webkit-progress-bar { background: var(--sunken); }
progress::-webkit-progress-value { background: var(--accent); border-radius: 1rem; }
progress::-moz-progress-bar { background: var(--accent); }
progress:indeterminate { background: linear-gradient(90deg, var(--sunken) 20%, var(--accent) 50%, var(--sunken) 80%) 0 0 / 200% 100%; }
progress:indeterminate::-webkit-progress-bar { background: none; }
progress:indeterminate::-moz-progress-bar { background: none; }
@media (prefers-reduced-motion: no-preference) {
  progress:indeterminate { animation: sweep 2.4s linear infinite; }
  @keyframes sweep { from { background-position: 200% 0; } to { background-position: 0 0; } }
}
`
