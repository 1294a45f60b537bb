/** What all elements do: wait for a client, listen to it while they are in a page, and let it go. */
import type { Farebox } from "../client/farebox.ts";
import { whenFarebox } from "./registry.ts";
import { sheetsOf } from "./styles.ts";

// So that a server may import the elements: it never makes one.
const Base: typeof HTMLElement = globalThis.HTMLElement ??
  (class {} as unknown as typeof HTMLElement);

/**
 * An element with an open shadow root that shows what a client knows.
 *
 * Its own property `farebox` goes before the page's client (`provideFarebox`). A subclass has
 * `watch`, which is called with the client whenever the element is in a page and has one, and
 * returns what is to be done when that ends.
 */
export abstract class FareboxElement extends Base {
  #own: Farebox | null = null;
  #ofPage: Farebox | null = null;
  #watched: Farebox | null = null;
  /** Whose client told what is shown, and who was signed in: kept while it is out of the page. */
  #shown: Farebox | null = null;
  #owner: string | null | undefined;
  #unwatch: (() => void) | null = null;
  #leaveRegistry: (() => void) | null = null;
  /** True in a page, once all that was set before is known: then it may begin. */
  #isSet = false;
  protected readonly root: ShadowRoot;

  /** @param css the element's own rules, beside the shared ones. */
  constructor(css: string) {
    super();
    this.root = this.shadowRoot ?? this.attachShadow({ mode: "open" });
    this.root.adoptedStyleSheets = sheetsOf(css);
  }

  /** The client to show; null for the page's. */
  get farebox(): Farebox | null {
    return this.#own ?? this.#ofPage;
  }
  set farebox(farebox: Farebox | null | undefined) {
    this.#own = farebox ?? null;
    this.#follow();
  }

  connectedCallback(): void {
    this.#takePropertiesSetBefore();
    this.#isSet = true;
    this.#leaveRegistry ??= whenFarebox((farebox) => {
      this.#ofPage = farebox;
      this.#follow();
    });
    this.#follow();
  }

  disconnectedCallback(): void {
    // It was moved: both callbacks come when it is where it goes.
    if (this.isConnected) return;
    this.#isSet = false;
    this.#leaveRegistry?.();
    this.#leaveRegistry = null;
    this.#ofPage = null;
    this.#follow();
  }

  /** `moveBefore`: nothing to do, nothing is lost. */
  connectedMoveCallback(): void {}

  /** Begins to show what this client knows. @returns ends it: nothing of it may be shown after. */
  protected abstract watch(farebox: Farebox): () => void;

  /** Somebody else signed in, or it is another client, or the first: nothing of what is shown may stay. */
  protected forget(): void {}

  /** Ends what is watched and begins anew, as after a change of what is to be shown. */
  protected watchAnew(): void {
    this.#end();
    this.#follow();
  }

  /** Tells the page; `detail` is what listeners get. */
  protected tell(name: string, detail: unknown): void {
    this.dispatchEvent(new CustomEvent(name, { detail, bubbles: true, composed: true }));
  }

  #follow(): void {
    const farebox = this.#isSet ? this.farebox : null;
    if (farebox === this.#watched) return;
    this.#end();
    if (farebox === null) return;
    this.#watched = farebox;
    if (this.#shown !== farebox) {
      this.#shown = farebox;
      this.#owner = undefined;
      this.forget();
    }
    const stop = this.watch(farebox);
    const stopOwner = farebox.onOwner?.((next) => {
      const isAnother = this.#owner !== undefined && this.#owner !== next;
      this.#owner = next;
      if (!isAnother) return;
      this.forget();
      this.watchAnew();
    });
    this.#unwatch = () => {
      stop();
      stopOwner?.();
    };
  }

  #end(): void {
    this.#watched = null;
    const unwatch = this.#unwatch;
    this.#unwatch = null;
    unwatch?.();
  }

  /** A framework may set properties before the element is defined: they would hide the setters. */
  #takePropertiesSetBefore(): void {
    for (const name of Object.keys(this)) {
      if (!(name in Object.getPrototypeOf(this))) continue;
      const value: unknown = Reflect.get(this, name);
      Reflect.deleteProperty(this, name);
      Reflect.set(this, name, value);
    }
  }
}
