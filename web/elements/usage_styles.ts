/** The looks of `<farebox-usage>`. */
export const USAGE_CSS = `
:host { display: block; inline-size: 100%; }
.usage { container: usage / inline-size; }
.inks { font-family: var(--_font); }
.ink-accent { color: var(--_accent); }
.ink-faded { color: color-mix(in srgb, var(--_accent) 28%, var(--_surface)); }
.ink-text { color: var(--_text); }
.ink-muted { color: var(--_muted); }
.ink-line { color: var(--_line); }
.ink-surface { color: var(--_surface); }
h2 { margin: 0; font-size: 0.9375rem; line-height: 1.4; font-weight: 620; }
p { margin: 0; }

.tabs {
  display: flex;
  gap: 1.5rem;
  margin-block-end: 1.25rem;
  border-block-end: 1px solid var(--_line);
}
.tab {
  min-block-size: 2.75rem;
  margin-block-end: -1px;
  border-block-end: 2px solid transparent;
  color: var(--_muted);
  font-weight: 550;
}
.tab:hover { color: var(--_text); }
.tab[aria-selected="true"] { color: var(--_text); border-color: var(--_accent); }
.panel { display: grid; gap: 1.25rem; grid-template-columns: minmax(0, 1fr); }

.bar { display: flex; flex-wrap: wrap; gap: 0.75rem 1.5rem; align-items: flex-start; }
.picker { display: flex; flex-wrap: wrap; gap: 0.5rem 1rem; align-items: center; flex: 1 1 24rem; }
.segments {
  display: inline-flex;
  padding: 3px;
  gap: 2px;
  background: color-mix(in oklab, var(--_muted) 12%, var(--_surface));
  border-radius: var(--_radius);
}
.segment {
  min-block-size: 2.5rem;
  padding-inline: 0.8rem;
  border-radius: calc(var(--_radius) - 3px);
  font-weight: 550;
  color: var(--_muted);
  white-space: nowrap;
}
.segment:hover { color: var(--_text); }
.segment[aria-pressed="true"] {
  color: var(--_text);
  background: var(--_surface);
  box-shadow: 0 1px 2px rgb(0 0 0 / 16%);
}
.range-words { font-size: 0.8125rem; }
.dates { display: flex; flex-wrap: wrap; gap: 0.5rem 0.75rem; }
.dates label { display: flex; gap: 0.5rem; align-items: center; color: var(--_muted); }
input, select {
  min-block-size: 2.5rem;
  padding: 0 0.6rem;
  font: inherit;
  color: var(--_text);
  background: var(--_surface);
  border: 1px solid color-mix(in oklab, var(--_muted) 75%, var(--_surface));
  border-radius: calc(var(--_radius) * 0.8);
}
select { max-inline-size: 16rem; }
.problem { flex-basis: 100%; color: var(--_critical); }
.export { display: flex; flex-wrap: wrap; gap: 0.25rem 0.75rem; align-items: center; }
.running { display: flex; gap: 0.75rem; align-items: center; }
.export-status { color: var(--_muted); font-size: 0.8125rem; }
.export-status:empty { display: none; }
progress { inline-size: 7rem; block-size: 0.5rem; accent-color: var(--_accent); }

.totals {
  display: grid;
  grid-template-columns: minmax(0, 1.7fr) repeat(4, minmax(0, 1fr));
  margin: 0;
  background: var(--_surface);
  border: 1px solid var(--_line);
  border-radius: var(--_radius);
  overflow: hidden;
}
.figure { padding: 1rem 1.125rem; min-inline-size: 0; }
.figure + .figure { border-inline-start: 1px solid var(--_line); }
dt { color: var(--_muted); font-size: 0.8125rem; }
dd {
  margin: 0.125rem 0 0;
  font-size: 1.125rem;
  line-height: 1.45;
  font-weight: 600;
  letter-spacing: -0.01em;
  overflow-wrap: anywhere;
}
.figure-cost dd { font-size: 1.5rem; line-height: 1.2; font-weight: 640; }
dd .bone { inline-size: 70%; block-size: 1.125rem; margin-block: 0.3rem; }

.charts { display: grid; grid-template-columns: minmax(0, 3fr) minmax(0, 2fr); gap: 1.25rem; }
.chart {
  position: relative;
  padding: 1rem 1.125rem;
  background: var(--_surface);
  border: 1px solid var(--_line);
  border-radius: var(--_radius);
}
.chart h2 { margin-block-end: 0.875rem; }
.plot { position: relative; block-size: 15rem; }
.plot canvas { display: block; }
.plot-bone { block-size: 15rem; }

.requests, .list { display: grid; gap: 0.875rem; grid-template-columns: minmax(0, 1fr); }
.list-head {
  display: flex;
  flex-wrap: wrap;
  gap: 0.5rem 1rem;
  align-items: center;
  justify-content: space-between;
}
.filters {
  display: flex;
  flex-wrap: wrap-reverse;
  gap: 0.5rem;
  align-items: center;
  justify-content: flex-end;
}
.selects { display: flex; flex-wrap: wrap; gap: 0.5rem; }
.chips { display: flex; flex-wrap: wrap; gap: 0.5rem; margin: 0; padding: 0; list-style: none; }
.chip {
  display: inline-flex;
  gap: 0.5rem;
  align-items: center;
  min-block-size: 2.5rem;
  padding-inline: 0.875rem 0.75rem;
  border-radius: 99px;
  font-weight: 550;
  overflow-wrap: anywhere;
  text-align: start;
  color: var(--_text);
  background: color-mix(in oklab, var(--_accent) 14%, var(--_surface));
}
.chip:hover { background: color-mix(in oklab, var(--_accent) 22%, var(--_surface)); }
.cross { font-size: 1.125rem; line-height: 1; color: var(--_muted); }

.list table {
  inline-size: 100%;
  border-collapse: collapse;
  background: var(--_surface);
  border-radius: var(--_radius);
  box-shadow: 0 0 0 1px var(--_line);
}
.list th, .list td {
  padding: 0.625rem 0.625rem;
  text-align: start;
  vertical-align: baseline;
  font-weight: 400;
}
.list th { font-size: 0.75rem; color: var(--_muted); }
.list :is(th, td):first-child { padding-inline-start: 1.125rem; }
.list :is(th, td):last-child { padding-inline-end: 1.125rem; }
.list tbody tr { border-block-start: 1px solid var(--_line); }
.list tbody tr:hover { background: color-mix(in oklab, var(--_muted) 6%, var(--_surface)); }
.list .number, .list .action { text-align: end; }
.list td.time, .list td.number { white-space: nowrap; }
.list td.model { font-weight: 550; overflow-wrap: anywhere; }
.list td.cost { font-weight: 600; }
.list td.basis { color: var(--_muted); }
.list td.in { color: var(--farebox-positive, light-dark(#1a6b3a, #7fd6a0)); }
.list td.note { color: var(--_muted); overflow-wrap: anywhere; }
.kind, .owed { display: block; font-size: 0.75rem; font-weight: 400; white-space: normal; }
.kind { color: var(--_muted); }
.owed { color: var(--_warning); }
.receipt { min-block-size: 1.75rem; padding-inline: 0.25rem; margin-inline-end: -0.25rem; }
.empty {
  padding: 2.5rem 1rem;
  text-align: center;
  border: 1px dashed var(--_line);
  border-radius: var(--_radius);
}
.chart .empty { border: 0; }
.bones { display: grid; gap: 0.75rem; }
.bones .bone { block-size: 2.25rem; }
.failure {
  display: flex;
  flex-wrap: wrap;
  gap: 0.75rem 1rem;
  align-items: center;
  padding: 0.875rem 1.125rem;
  border: 1px solid color-mix(in oklab, var(--_critical) 45%, var(--_line));
  border-radius: var(--_radius);
  color: var(--_critical);
}
.failure .button { color: var(--_text); }
.more { justify-self: center; min-inline-size: 9rem; }
.guest { padding: 3rem 1rem; text-align: center; color: var(--_muted); }

dialog {
  inline-size: min(34rem, calc(100vw - 2rem));
  max-block-size: calc(100dvh - 2rem);
  padding: 0;
  color: var(--_text);
  background: var(--_surface);
  border: 1px solid var(--_line);
  border-radius: calc(var(--_radius) * 1.4);
  box-shadow: 0 16px 48px rgb(0 0 0 / 28%);
}
dialog::backdrop { background: rgb(0 0 0 / 45%); }
.dialog-head {
  position: sticky;
  inset-block-start: 0;
  z-index: 1;
  display: flex;
  align-items: center;
  justify-content: space-between;
  padding: 0.75rem 0.75rem 0.5rem 1.375rem;
  background: var(--_surface);
}
.dialog-head h2 { font-size: 1.0625rem; }
.close {
  inline-size: 2.5rem;
  block-size: 2.5rem;
  border-radius: 99px;
  font-size: 1.375rem;
  line-height: 1;
  color: var(--_muted);
}
.close:hover { color: var(--_text); background: color-mix(in oklab, var(--_muted) 12%, transparent); }
.receipt-content { padding: 0 1.125rem 1.25rem; }

@container usage (max-width: 54rem) {
  .charts { grid-template-columns: minmax(0, 1fr); }
  .totals { grid-template-columns: repeat(4, minmax(0, 1fr)); }
  .figure-cost { grid-column: 1 / -1; border-block-end: 1px solid var(--_line); }
  .figure-cost + .figure { border-inline-start: 0; }
}
@container usage (max-width: 42rem) {
  .totals { grid-template-columns: repeat(2, minmax(0, 1fr)); }
  .figure { padding: 0.75rem 1rem; }
  .figure.figure-tokens-in { border-inline-start: 0; }
  .figure-tokens-in, .figure-tokens-out { border-block-start: 1px solid var(--_line); }
  .segments { display: flex; flex: 1 1 100%; flex-wrap: wrap; }
  .segment { flex: 1 1 auto; padding-inline: 0.25rem; }
  .export, .export > .button, .running { flex: 1 1 100%; }
  .chart { padding: 0.875rem; }
  .plot.up, .plot-bone { block-size: 12rem; }
  .filters, .selects { flex: 1 1 100%; justify-content: flex-start; }
  .selects select { flex: 1 1 9rem; min-inline-size: 0; }
  .list table, .list tbody, .list caption { display: block; }
  .list table { background: none; box-shadow: none; }
  .list thead {
    position: absolute;
    inline-size: 1px;
    block-size: 1px;
    overflow: hidden;
    clip-path: inset(50%);
  }
  .list tbody { display: grid; gap: 0.625rem; }
  .list tr {
    display: grid;
    grid-template-columns: minmax(0, 1fr) auto;
    gap: 0.125rem 1rem;
    padding: 0.75rem 1rem;
    background: var(--_surface);
    border: 1px solid var(--_line);
    border-radius: var(--_radius);
  }
  .list :is(td, td:first-child, td:last-child) { padding: 0; }
  .list td.model { grid-area: 1 / 1; }
  .list td.cost { grid-area: 1 / 2; font-size: 1rem; }
  .list td.time { grid-column: 1 / -1; color: var(--_muted); font-size: 0.8125rem; }
  .list td.number:not(.cost), .list td.basis {
    grid-column: 1 / -1;
    display: flex;
    justify-content: space-between;
    color: var(--_muted);
    font-size: 0.8125rem;
  }
  .list td.number:not(.cost)::before, .list td.basis::before { content: attr(data-label); }
  .list td.note { grid-column: 1 / -1; }
  .list td.note:empty { display: none; }
  .list td.action { grid-column: 1 / -1; text-align: start; }
  .receipt { min-block-size: 2.5rem; padding-inline: 0; }
}
@media (forced-colors: active) {
  .segment[aria-pressed="true"], .tab[aria-selected="true"], .chip { outline: 1px solid; }
}
`;
