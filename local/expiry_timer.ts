/** Does what pg_cron does on a hosted project: settles or releases reservations that have expired. */

const INTERVAL_MS = 3_000;
const BATCH = 100;

/** Starts at once. @returns a function that stops it and waits for the call in flight. */
export function startExpiryTimer(
  url: string,
  secretKey: string,
  log: (line: string) => void,
): () => Promise<void> {
  let lastFailure = "";
  let running: Promise<void> = Promise.resolve();
  const tick = async () => {
    try {
      const response = await fetch(`${url}/rest/v1/rpc/expire`, {
        method: "POST",
        headers: { apikey: secretKey, "content-type": "application/json" },
        body: JSON.stringify({ p_limit: BATCH }),
        signal: AbortSignal.timeout(INTERVAL_MS * 3),
      });
      const body = await response.text();
      report(response.ok ? "" : `${response.status} ${body}`);
    } catch (error) {
      report(error instanceof Error ? error.message : String(error));
    }
  };
  // A database that is down would otherwise say so every few seconds.
  const report = (failure: string) => {
    if (failure !== "" && failure !== lastFailure) {
      log(`expired reservations cannot be swept: ${failure}`);
    }
    lastFailure = failure;
  };
  let isRunning = false;
  const timer = setInterval(() => {
    if (isRunning) return;
    isRunning = true;
    running = tick().finally(() => isRunning = false);
  }, INTERVAL_MS);
  return async () => {
    clearInterval(timer);
    await running;
  };
}
