/** A settle or release that takes longer keeps no answer from the reader: it goes on behind it. */
const LEDGER_WAIT_MS = 1_000;

/** What the ledger says, or null when the reader should wait for it no longer. */
export async function inTime<T>(
  answer: Promise<T>,
  waitMs = LEDGER_WAIT_MS,
): Promise<T | null> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  try {
    return await Promise.race([
      answer,
      new Promise<null>((resolve) => timer = setTimeout(resolve, waitMs, null)),
    ]);
  } finally {
    clearTimeout(timer);
  }
}
