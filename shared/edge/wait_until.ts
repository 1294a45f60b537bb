/** What the edge runtime gives a function beside the web's standards. */
declare const EdgeRuntime:
  | { waitUntil(promise: Promise<unknown>): void }
  | undefined;

/**
 * Keeps the isolate for work that goes on after the response. Register it before the response is
 * returned: afterwards the isolate may be gone. Where there is no edge runtime the process itself
 * lives on.
 */
export function waitUntil(promise: Promise<unknown>): void {
  if (typeof EdgeRuntime !== "undefined") EdgeRuntime.waitUntil(promise);
}
