/** Design tokens: colours for light and dark, spaces and sizes; every other rule takes its values from here. */
export const styleTokens = `
:root {
  color-scheme: light dark;
  --ground: #f5f6f8;
  --surface: #ffffff;
  --sunken: #eceff3;
  --line: #dde2e8;
  --edge: #7b8694;
  --text: #14181f;
  --muted: #545e6b;
  --accent: #1d4fb8;
  --accent-strong: #153c8f;
  --on-accent: #ffffff;
  --accent-soft: #e7eefc;
  --ok: #0f6537;
  --ok-soft: #e1f4e8;
  --warn: #7a4a00;
  --warn-soft: #fdf0d5;
  --bad: #a3211b;
  --bad-soft: #fce9e7;
  --calm: #46505c;
  --calm-soft: #e8ebef;
  --bar-created: #1d4fb8;
  --bar-updated: #2a9d8f;
  --bar-unchanged: #b4bdc8;
  --bar-skipped: #e0a83a;
  --bar-failed: #d0443c;
  --shadow: 0 1px 2px rgb(20 24 31 / 6%), 0 1px 3px rgb(20 24 31 / 4%);
  --edge-shadow: rgb(20 24 31 / 14%);
  --radius: 0.625rem;
  --radius-small: 0.4375rem;
  --gap: 1rem;
  --font: system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', 'Liberation Sans', sans-serif;
  --mono: ui-monospace, SFMono-Regular, Menlo, Consolas, 'Liberation Mono', monospace;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #0f1217;
    --surface: #171b22;
    --sunken: #20262e;
    --line: #2a313b;
    --edge: #6f7b8a;
    --text: #e9ecf1;
    --muted: #a3adb9;
    --accent: #8ab4ff;
    --accent-strong: #b3cfff;
    --on-accent: #0b1526;
    --accent-soft: #1a2a47;
    --ok: #74d9a0;
    --ok-soft: #12301f;
    --warn: #f2c56b;
    --warn-soft: #33270f;
    --bad: #ff9d94;
    --bad-soft: #3a1917;
    --calm: #b6bfca;
    --calm-soft: #242a33;
    --bar-created: #6e9ff5;
    --bar-updated: #4dc0b0;
    --bar-unchanged: #4a5563;
    --bar-skipped: #d9a441;
    --bar-failed: #ef6a61;
    --shadow: 0 1px 2px rgb(0 0 0 / 40%);
    --edge-shadow: rgb(0 0 0 / 55%);
  }
}
@media (min-width: 120rem) {
  :root { font-size: 112.5%; }
}
`
