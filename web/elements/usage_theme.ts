/** The colours of the page for what cannot be drawn with CSS, and when they change. */
import { make } from "./dom.ts";
import type { Palette } from "./usage_bars.ts";

const INKS = ["accent", "faded", "text", "muted", "line", "surface"] as const;

export class Theme {
  /** Not seen: the browser works out what each variable comes to. */
  readonly element = make("span", { class: "inks", hidden: true });
  readonly #inks = INKS.map((name) => make("i", { class: `ink-${name}` }));

  constructor() {
    this.element.append(...this.#inks);
  }

  /** Of now. */
  palette(): Palette {
    const colour = (name: typeof INKS[number]) =>
      getComputedStyle(this.#inks[INKS.indexOf(name)]!).color;
    return {
      accent: colour("accent"),
      faded: colour("faded"),
      text: colour("text"),
      muted: colour("muted"),
      line: colour("line"),
      surface: colour("surface"),
      font: getComputedStyle(this.element).fontFamily,
    };
  }

  isStill(): boolean {
    return matchMedia("(prefers-reduced-motion: reduce)").matches;
  }

  /** @returns stops watching. */
  watch(changed: () => void): () => void {
    const dark = matchMedia("(prefers-color-scheme: dark)");
    dark.addEventListener("change", changed);
    const chosen = new MutationObserver(changed);
    const attributeFilter = ["data-theme", "class", "style"];
    chosen.observe(document.documentElement, { attributes: true, attributeFilter });
    return () => {
      dark.removeEventListener("change", changed);
      chosen.disconnect();
    };
  }
}
