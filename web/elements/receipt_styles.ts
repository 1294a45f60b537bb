/** The looks of `<farebox-receipt>`. */
export const RECEIPT_CSS = `
:host { display: block; container-type: inline-size; }
.paper { padding: 0.25rem; background: var(--_surface); border-radius: var(--_radius); }
.head { margin-block-end: 1rem; }
.cost { font-size: 1.75rem; line-height: 1.2; font-weight: 640; letter-spacing: -0.015em; }
.model { font-weight: 550; overflow-wrap: anywhere; }
.head .muted { font-size: 0.8125rem; }
table { inline-size: 100%; border-collapse: collapse; }
th, td { padding: 0.5rem 0; text-align: end; vertical-align: baseline; font-weight: 400; }
th + *, td + td { padding-inline-start: 1rem; }
th:first-child { text-align: start; }
thead th { font-size: 0.75rem; color: var(--_muted); padding-block-start: 0; }
tbody tr { border-block-start: 1px solid var(--_line); }
tfoot tr.total { border-block-start: 2px solid var(--_text); }
tfoot tr.total > * { font-weight: 640; }
tfoot tr.sum { border-block-start: 1px solid var(--_line); }
td { white-space: nowrap; }
.of { display: block; font-size: 0.75rem; color: var(--_muted); overflow-wrap: anywhere; }
dl {
  display: grid;
  grid-template-columns: max-content minmax(0, 1fr);
  gap: 0.5rem 1.25rem;
  margin: 1rem 0 0;
  padding-block-start: 1rem;
  border-block-start: 1px solid var(--_line);
}
dt { color: var(--_muted); }
dd { margin: 0; overflow-wrap: anywhere; }
code { font: 0.8125rem/1.5 ui-monospace, "SF Mono", Menlo, Consolas, monospace; }
.copy { margin-inline-start: 0.5rem; }
.owed { color: var(--_warning); }
.quiet { display: grid; justify-items: start; gap: 0.75rem; padding: 0.25rem; }
.quiet p { margin: 0; }
.bone { inline-size: 100%; block-size: 1rem; }
.bone.long { inline-size: 40%; block-size: 1.75rem; margin-block-end: 0.5rem; }
@container (max-width: 26rem) {
  .rate { display: none; }
  .rate-below { display: block; }
  table { font-size: 0.8125rem; }
  th + *, td + td { padding-inline-start: 0.625rem; }
  dl { grid-template-columns: minmax(0, 1fr); gap: 0; }
  dd + dt { margin-block-start: 0.625rem; }
}
@container (min-width: 26.001rem) { .rate-below { display: none; } }
`;
