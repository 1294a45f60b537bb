/** Whether somebody looks at the page, and when they come back to it. */

export interface Attention {
  /** True outside of browsers. */
  has(): boolean;
  start(): void;
  stop(): void;
}

/** What of the browser's globals is used; absent elsewhere. */
interface Page {
  readonly document?: EventTarget & { readonly visibilityState: string };
  readonly addEventListener?: EventTarget["addEventListener"];
  readonly removeEventListener?: EventTarget["removeEventListener"];
}

/** @param back called when the page is seen again, gets the focus, or the machine is online again. */
export function createAttention(back: () => void): Attention {
  const page: Page = globalThis;
  const has = () => page.document?.visibilityState !== "hidden";
  const onBack = () => {
    if (has()) back();
  };
  return {
    has,
    start() {
      page.document?.addEventListener("visibilitychange", onBack);
      page.addEventListener?.("focus", onBack);
      page.addEventListener?.("online", onBack);
    },
    stop() {
      page.document?.removeEventListener("visibilitychange", onBack);
      page.removeEventListener?.("focus", onBack);
      page.removeEventListener?.("online", onBack);
    },
  };
}
