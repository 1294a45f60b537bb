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
}

/** @param back called when the page is seen again, gets the focus, or the machine is online again. */
export function createAttention(back: () => void): Attention {
  const page: Page = globalThis;
  const has = () => page.document?.visibilityState !== "hidden";
  const onBack = () => {
    if (has()) back();
  };
  let stopping = new AbortController();
  return {
    has,
    start() {
      stopping = new AbortController();
      const { signal } = stopping;
      page.document?.addEventListener("visibilitychange", onBack, { signal });
      for (const name of ["focus", "online"]) page.addEventListener?.(name, onBack, { signal });
    },
    stop: () => stopping.abort(),
  };
}
