/**
 * Does what pg_cron does on a hosted project: settles or releases reservations that have expired, and
 * has the alerts evaluated.
 */

const EXPIRE_EACH_MS = 3_000;
const ALERTS_EACH_MS = 60_000;
const BATCH = 100;

export interface CronOptions {
  /** Of the stack. */
  readonly url: string;
  readonly secretKey: string;
  /** False where a test evaluates alerts at its own times. */
  readonly evaluatesAlerts: boolean;
  readonly log: (line: string) => void;
}

/** Starts the jobs. @returns a function that stops them and waits for the calls in flight. */
export function startCron(options: CronOptions): () => Promise<void> {
  const { url } = options;
  const stops = [
    each(EXPIRE_EACH_MS, "expired reservations cannot be swept", options, {
      url: `${url}/rest/v1/rpc/expire`,
      body: JSON.stringify({ p_limit: BATCH }),
    }),
    ...(options.evaluatesAlerts
      ? [each(ALERTS_EACH_MS, "alerts cannot be evaluated", options, {
        url: `${url}/functions/v1/pricing-health/alerts`,
        body: "{}",
      })]
      : []),
  ];
  return async () => {
    await Promise.all(stops.map((stop) => stop()));
  };
}

function each(
  intervalMs: number,
  complaint: string,
  { secretKey, log }: CronOptions,
  call: { url: string; body: string },
): () => Promise<void> {
  let lastFailure = "";
  let running: Promise<void> | null = null;
  // A database that is down would otherwise say so every few seconds.
  const report = (failure: string) => {
    if (failure !== "" && failure !== lastFailure) log(`${complaint}: ${failure}`);
    lastFailure = failure;
  };
  const tick = async () => {
    try {
      const response = await fetch(call.url, {
        method: "POST",
        headers: { apikey: secretKey, "content-type": "application/json" },
        body: call.body,
        signal: AbortSignal.timeout(intervalMs * 3),
      });
      const body = await response.text();
      report(response.ok ? "" : `${response.status} ${body}`);
    } catch (error) {
      report(error instanceof Error ? error.message : String(error));
    }
  };
  const timer = setInterval(() => {
    running ??= tick().finally(() => running = null);
  }, intervalMs);
  return async () => {
    clearInterval(timer);
    await running;
  };
}
