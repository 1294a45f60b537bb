/** Waiting for what will be true soon, without guessing how long it takes. */

/** Between two looks. */
const LOOK_AGAIN_MS = 25;
/** For a busy machine: what passes waits no longer for it. */
const TIMEOUT_MS_DEFAULT = 30_000;

/**
 * Looks until there is something to see.
 * @param look answers null, undefined or false while there is nothing yet.
 * @throws Error that names `what` after `timeoutMs`.
 */
export async function until<T>(
  what: string,
  look: () => Promise<T | null | undefined | false> | T | null | undefined | false,
  timeoutMs = TIMEOUT_MS_DEFAULT,
): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const seen = await look();
    if (seen !== null && seen !== undefined && seen !== false) return seen;
    if (Date.now() > deadline) throw new Error(`Waited ${timeoutMs} ms in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
  }
}
