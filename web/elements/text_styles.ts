/** For elements with links and motion; apart, for the balance alone is to be small. */
export const TEXT_CSS = `
.muted { color: var(--_muted); }
.link {
  color: var(--_accent);
  text-decoration: underline;
  text-decoration-color: color-mix(in oklab, var(--_accent) 35%, transparent);
  text-underline-offset: 0.2em;
}
.link:hover { text-decoration-color: currentColor; }
.bone { animation: breathe 1.6s ease-in-out infinite; }
@keyframes breathe { 50% { opacity: 0.45; } }
@media (prefers-reduced-motion: reduce) {
  *, ::before, ::after { animation: none !important; transition: none !important; }
}
`;
