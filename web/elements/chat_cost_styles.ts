/** The looks of `<farebox-chat-cost>`. */
export const CHAT_COST_CSS = `
:host { display: inline-block; position: relative; max-inline-size: 100%; }
details { position: relative; }
summary {
  display: flex;
  flex-wrap: wrap;
  align-items: baseline;
  gap: 0 0.5rem;
  padding: 0.4375rem 0.625rem;
  margin: 0;
  border-radius: var(--_radius);
  cursor: pointer;
  list-style: none;
  transition: background-color 120ms;
}
summary::-webkit-details-marker { display: none; }
summary:hover, details[open] > summary {
  background: color-mix(in oklab, var(--_muted) 12%, transparent);
}
summary::after {
  content: "";
  inline-size: 0.375rem;
  block-size: 0.375rem;
  border: solid var(--_muted);
  border-width: 0 1.5px 1.5px 0;
  transform: translateY(-0.1875rem) rotate(45deg);
  transition: transform 120ms;
}
details[open] > summary::after { transform: translateY(0) rotate(225deg); }
.total { font-weight: 600; }
.sums { font-size: 0.8125rem; color: var(--_muted); }
.quiet { display: flex; gap: 0.5rem; align-items: baseline; padding: 0.4375rem 0.625rem; }
.panel {
  position: absolute;
  z-index: 10;
  inset-block-start: calc(100% + 0.375rem);
  inset-inline-start: 0;
  inline-size: min(27rem, 92vw);
  max-block-size: min(24rem, 60vh);
  overflow: auto;
  padding: 0.375rem 0.875rem;
  background: var(--_surface);
  border: 1px solid var(--_line);
  border-radius: var(--_radius);
  box-shadow: 0 1px 2px rgb(0 0 0 / 0.06), 0 12px 32px -8px rgb(0 0 0 / 0.22);
}
ol { margin: 0; padding: 0; list-style: none; }
li {
  display: grid;
  grid-template-columns: minmax(0, 1fr) auto;
  gap: 0 1rem;
  align-items: center;
  padding-block: 0.5rem;
}
li + li { border-block-start: 1px solid var(--_line); }
.model { overflow-wrap: anywhere; font-weight: 500; }
.facts { grid-column: 1; font-size: 0.8125rem; color: var(--_muted); }
li .link { grid-column: 2; grid-row: 1 / span 2; min-block-size: 2.5rem; padding-inline: 0.25rem; }
.bone { inline-size: 9rem; block-size: 1rem; }
`;
