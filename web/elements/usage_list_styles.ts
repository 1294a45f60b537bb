/** The looks of the lists of `<farebox-usage>`, which are cards on a phone, and of its dialog. */
export const USAGE_LIST_CSS = `
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

@container usage (max-width: 42rem) {
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
    grid-template-columns: auto auto minmax(0, 1fr) auto;
    gap: 0.125rem 1.25rem;
    align-items: end;
    padding: 0.75rem 1rem;
    background: var(--_surface);
    border: 1px solid var(--_line);
    border-radius: var(--_radius);
  }
  .list :is(td, td:first-child, td:last-child) { padding: 0; }
  .list td.model { grid-area: 1 / 1 / auto / span 3; align-self: start; }
  .list td.cost { grid-area: 1 / 4; align-self: start; font-size: 1rem; }
  .list td.time { grid-area: 2 / 1 / auto / -1; color: var(--_muted); font-size: 0.8125rem; }
  .list td:is(.tokens, .basis, .after) {
    margin-block-start: 0.375rem;
    text-align: start;
    font-size: 0.8125rem;
    color: var(--_text);
  }
  .list td:is(.tokens, .basis, .after)::before {
    content: attr(data-label);
    display: block;
    font-size: 0.75rem;
    color: var(--_muted);
  }
  .list td:is(.note, .after) { grid-column: 1 / -1; }
  .list td.note:empty { display: none; }
  .receipt { min-block-size: 2.5rem; }
}
@container usage (max-width: 23rem) {
  .list tr { grid-template-columns: auto minmax(0, 1fr) auto; }
  .list td.model { grid-column: 1 / span 2; }
  .list td.cost { grid-area: 1 / 3; }
  .list td.basis { grid-column: 1 / span 2; }
}
`;
