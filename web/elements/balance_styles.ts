/** The looks of `<farebox-balance>`. Every byte of it is in the page's first load. */
export const BALANCE_CSS = `
:host { display: block; --_tone: var(--_text); --_label: var(--_muted); --_edge: var(--_line); }
:host([state="warning"]) { --_tone: var(--_warning); --_label: var(--_tone); --_edge: var(--_tone); }
:host([state="critical"]) { --_tone: var(--_critical); --_label: var(--_tone); --_edge: var(--_tone); }
.card {
  position: relative;
  display: flex;
  flex-wrap: wrap;
  align-items: center;
  gap: 0.625rem 0.875rem;
  padding: 0.75rem 0.875rem;
  background: var(--_surface);
  border: 1px solid color-mix(in oklab, var(--_edge) 50%, var(--_line));
  border-radius: var(--_radius);
}
.words { flex: 999 1 10.5rem; }
.label, .note { display: block; font-size: 0.8125rem; color: var(--_muted); }
.label { color: var(--_label); }
.amount {
  display: inline-block;
  border-radius: 6px;
  font-size: 1.375rem;
  line-height: 1.3;
  font-weight: 620;
  color: var(--_tone);
}
.fine { font-weight: 450; color: color-mix(in oklab, var(--_tone) 86%, var(--_surface)); }
:host([state="guest"]) .amount { font-size: 0.9375rem; font-weight: 550; }
:host([state="guest"]) .words { flex-basis: 13rem; }
.pips { display: flex; gap: 0.25rem; margin-block: 0.375rem; }
.pip { flex: 0 1 1.75rem; height: 0.25rem; border-radius: 6px; background: var(--_line); }
.left { background: var(--_accent); }
.button { flex: 1 0 auto; }
.short { width: 3.5rem; height: 0.75rem; margin-block: 0.25rem 0.5rem; }
.long { width: 7rem; height: 1.375rem; margin-block-end: 0.25rem; }
`;
