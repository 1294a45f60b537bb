/**
 * What the elements share in looks. Every colour is a variable of the embedding page; the defaults
 * follow its `color-scheme`, and have AA contrast on `--farebox-surface` in both.
 */

/** Keeps a text for screen readers alone. */
export const HIDDEN_CLASS = "for-readers";

const SHARED = `
:host {
  --_font: var(--farebox-font, system-ui, sans-serif);
  --_text: var(--farebox-text, light-dark(#181b22, #edeff3));
  --_muted: var(--farebox-muted, light-dark(#5a6170, #a5adbb));
  --_accent: var(--farebox-accent, light-dark(#3a4bc9, #a9b6ff));
  --_on-accent: var(--farebox-on-accent, light-dark(#ffffff, #10131f));
  --_warning: var(--farebox-warning, light-dark(#875100, #f2b95c));
  --_critical: var(--farebox-critical, light-dark(#b3261e, #ffa198));
  --_surface: var(--farebox-surface, light-dark(#ffffff, #16181e));
  --_line: var(--farebox-line, light-dark(#e1e4ea, #30353f));
  --_radius: var(--farebox-radius, 10px);
  font: 400 0.875rem/1.45 var(--_font);
  font-variant-numeric: tabular-nums;
  color: var(--_text);
}
:host([hidden]), [hidden] { display: none !important; }
*, ::before, ::after { box-sizing: border-box; }
button {
  font: inherit;
  color: inherit;
  background: none;
  border: 0;
  padding: 0;
  cursor: pointer;
}
:focus-visible { outline: 2px solid var(--_accent); outline-offset: 2px; border-radius: 4px; }
.button {
  min-height: 2.5rem;
  padding: 0 0.9rem;
  border: 1px solid var(--_line);
  border-radius: var(--_radius);
  font-weight: 550;
  white-space: nowrap;
}
.button.main {
  color: var(--_on-accent);
  background: var(--_accent);
  border-color: transparent;
}
.button:hover { border-color: var(--_text); }
.${HIDDEN_CLASS} {
  position: absolute;
  width: 1px;
  height: 1px;
  overflow: hidden;
  clip-path: inset(50%);
  white-space: nowrap;
}
.bone {
  display: block;
  border-radius: 6px;
  background: color-mix(in oklab, var(--_muted) 22%, var(--_surface));
}
`;

const sheets = new Map<string, CSSStyleSheet>();

/** The shared sheet and an element's own, each made once a page: nothing that a strict CSP minds. */
export function sheetsOf(own: string): CSSStyleSheet[] {
  return [SHARED, own].map((css) => {
    let sheet = sheets.get(css);
    if (sheet === undefined) {
      sheet = new CSSStyleSheet();
      sheet.replaceSync(css);
      sheets.set(css, sheet);
    }
    return sheet;
  });
}
