/** The looks of `<farebox-usage>`. */
import { USAGE_LIST_CSS } from "./usage_list_styles.ts";

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
.sums { font-size: 0.8125rem; }

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
  background: light-dark(
    var(--_surface),
    color-mix(in oklab, var(--_muted) 32%, var(--_surface))
  );
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
  display: flex;
  flex-direction: column;
  min-inline-size: 0;
  padding: 1rem 1.125rem;
  background: var(--_surface);
  border: 1px solid var(--_line);
  border-radius: var(--_radius);
}
.chart h2 { margin-block-end: 0.875rem; }
/* The canvas is as large as its plot, and never what makes the plot large. */
.plot { position: relative; }
.plot.up { flex: 1 1 auto; min-block-size: 15rem; }
.plot canvas { position: absolute; inset: 0; display: block; }
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
  .plot.up { min-block-size: 12rem; }
  .plot-bone { block-size: 12rem; }
  .filters, .selects { flex: 1 1 100%; justify-content: flex-start; }
  .selects select { flex: 1 1 9rem; min-inline-size: 0; }
}
@media (forced-colors: active) {
  .segment[aria-pressed="true"], .tab[aria-selected="true"], .chip { outline: 1px solid; }
}
${USAGE_LIST_CSS}`;
