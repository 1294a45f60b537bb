/** The looks of `<farebox-balance>`. */
export const BALANCE_CSS = `
:host { display: block; }
.card {
  position: relative;
  display: flex;
  flex-wrap: wrap;
  align-items: center;
  gap: 0.625rem 0.875rem;
  padding: 0.75rem 0.875rem;
  background: var(--_surface);
  border: 1px solid var(--_line);
  border-radius: var(--_radius);
  --_tone: var(--_text);
}
:host([state="warning"]) .card { --_tone: var(--_warning); }
:host([state="critical"]) .card { --_tone: var(--_critical); }
:host([state="warning"]) .card, :host([state="critical"]) .card {
  border-color: color-mix(in oklab, var(--_tone) 45%, var(--_line));
}
.words { flex: 999 1 10.5rem; min-inline-size: 0; }
.label { display: block; font-size: 0.8125rem; color: var(--_muted); }
:host([state="warning"]) .label, :host([state="critical"]) .label {
  color: var(--_tone);
  font-weight: 550;
}
.amount {
  display: inline-block;
  margin-inline: -0.25rem;
  padding-inline: 0.25rem;
  border-radius: 6px;
  font-size: 1.375rem;
  line-height: 1.3;
  font-weight: 620;
  letter-spacing: -0.01em;
  color: var(--_tone);
}
.fine { font-weight: 450; color: color-mix(in oklab, var(--_tone) 86%, var(--_surface)); }
:host([state="guest"]) .amount { font-size: 0.9375rem; letter-spacing: 0; font-weight: 550; }
:host([state="guest"]) .words { flex-basis: 13rem; }
.pips { display: flex; gap: 0.25rem; margin-block-start: 0.375rem; }
.pip {
  flex: 0 1 1.75rem;
  block-size: 0.25rem;
  border-radius: 2px;
  background: var(--_line);
}
.pip.left { background: var(--_accent); }
.note { display: block; font-size: 0.8125rem; color: var(--_muted); }
.pips + .note { margin-block-start: 0.25rem; }
.problem { display: block; }
.actions { display: contents; }
.button { flex: 1 0 auto; }
.bone.short { inline-size: 3.5rem; block-size: 0.75rem; margin-block: 0.25rem 0.5rem; }
.bone.long { inline-size: 7rem; block-size: 1.375rem; margin-block-end: 0.25rem; }
.amount[data-fell="even"] { animation: fell-even 1.1s ease-out; }
.amount[data-fell="odd"] { animation: fell-odd 1.1s ease-out; }
@keyframes fell-even { from { background: color-mix(in oklab, var(--_tone) 18%, transparent); } }
@keyframes fell-odd { from { background: color-mix(in oklab, var(--_tone) 18%, transparent); } }
`;
