/**
 * Tells the operator of an outage that the ledger could not be told of while it lasted: what failed is
 * counted here, and recorded when the ledger answers again.
 */
import { logError } from "../edge/log.ts";
import { type Ledger, LedgerUnavailable } from "./ledger.ts";
import type { IncidentArgs } from "./requests.ts";

export type OutageReportOptions = {
  /** Keeps the isolate for a report that nobody waits for. */
  waitUntil: (promise: Promise<unknown>) => void;
  /** Milliseconds since 1970. */
  now?: () => number;
  /** Tests make it fast. */
  pace?: OutagePace;
};

/** Milliseconds between the steps of a report. */
export type OutagePace = {
  /** Between the attempts while nobody else asks the ledger. */
  retryAfterMs: readonly number[];
  /** From the first answer to the report: calls that were under way fail after it. */
  settleDownMs: number;
  /** Between two reports: a ledger that fails every other time is one trouble, not thousands. */
  eachMs: number;
};

/** Together as long as an isolate lives at most; the next call that fails or succeeds begins anew. */
const PACE: OutagePace = {
  retryAfterMs: [2_000, 4_000, 8_000, 15_000, 30_000, 60_000, 60_000, 60_000, 60_000, 60_000],
  settleDownMs: 1_000,
  eachMs: 60_000,
};
/** Each of them is in the log as well. */
const QUEUE_MAX = 100;

type Outage = { count: number; firstMs: number; lastMs: number; operations: Map<string, number> };

export type ReportedLedger = {
  /** The same ledger, of which every call is watched. */
  ledger: Ledger;
  /** Records an incident when the ledger answers, however often that takes. Never throws. */
  recordLater: (incident: IncidentArgs) => void;
};

/**
 * Watches a ledger. Calls that throw `LedgerUnavailable` become one incident `database_error`
 * {count, first_at, last_at, operations} an outage; none of the callers waits for it. Make one per
 * isolate.
 */
export function reportOutages(ledger: Ledger, options: OutageReportOptions): ReportedLedger {
  const now = options.now ?? Date.now;
  const pace = options.pace ?? PACE;
  let outage: Outage | null = null;
  const queue: IncidentArgs[] = [];
  /** True while `deliver` is under way. */
  let isDelivering = false;
  /** Ends the pause between two attempts. */
  let wake = () => {};
  let reportedMs = -Infinity;

  function failed({ operation }: LedgerUnavailable): void {
    const atMs = now();
    outage ??= { count: 0, firstMs: atMs, lastMs: atMs, operations: new Map() };
    outage.count++;
    outage.lastMs = atMs;
    outage.operations.set(operation, (outage.operations.get(operation) ?? 0) + 1);
    start();
  }

  function answered(): void {
    if (outage === null && queue.length === 0) return;
    start();
    wake();
  }

  function start(): void {
    if (isDelivering) return;
    isDelivering = true;
    options.waitUntil(deliver().finally(() => isDelivering = false));
  }

  async function deliver(): Promise<void> {
    for (const waitMs of pace.retryAfterMs) {
      await pause(waitMs, (end) => wake = end);
      await pause(Math.max(pace.settleDownMs, reportedMs + pace.eachMs - now()));
      try {
        await recordAll();
        if (outage === null && queue.length === 0) return;
      } catch (error) {
        if (!(error instanceof LedgerUnavailable)) {
          logError("Could not report an outage", { error });
        }
      }
    }
  }

  async function recordAll(): Promise<void> {
    if (outage !== null) {
      const told = outage;
      // What fails meanwhile is counted anew.
      outage = null;
      try {
        await ledger.recordIncident(incidentOf(told));
      } catch (error) {
        outage = together(told, outage);
        throw error;
      }
      reportedMs = now();
    }
    for (let incident = queue[0]; incident !== undefined; incident = queue[0]) {
      await ledger.recordIncident(incident);
      queue.shift();
    }
  }

  return {
    ledger: watch(ledger, failed, answered),
    recordLater(incident) {
      if (queue.length < QUEUE_MAX) queue.push(incident);
      start();
    },
  };
}

/** A ledger whose every call tells whether it was answered. */
function watch(
  ledger: Ledger,
  failed: (error: LedgerUnavailable) => void,
  answered: () => void,
): Ledger {
  type Method = (...args: unknown[]) => Promise<unknown>;
  const watched = (method: Method): Method => async (...args) => {
    try {
      const answer = await method(...args);
      answered();
      return answer;
    } catch (error) {
      if (error instanceof LedgerUnavailable && !isAboutData(error)) failed(error);
      throw error;
    }
  };
  const methods = Object.entries(ledger) as [string, Method][];
  return Object.fromEntries(
    methods.map(([name, method]) => [name, watched(method)]),
  ) as unknown as Ledger;
}

/** The database did answer: it cannot keep a value, such as a text with a NUL. */
function isAboutData({ reason }: LedgerUnavailable): boolean {
  return /^http 400, 2[23]/.test(reason);
}

function incidentOf({ count, firstMs, lastMs, operations }: Outage): IncidentArgs {
  return {
    kind: "database_error",
    userId: null,
    requestId: null,
    details: {
      count,
      first_at: new Date(firstMs).toISOString(),
      last_at: new Date(lastMs).toISOString(),
      operations: Object.fromEntries(operations),
    },
  };
}

function together(earlier: Outage, later: Outage | null): Outage {
  if (later === null) return earlier;
  const operations = new Map(earlier.operations);
  for (const [name, count] of later.operations) {
    operations.set(name, (operations.get(name) ?? 0) + count);
  }
  return {
    count: earlier.count + later.count,
    firstMs: earlier.firstMs,
    lastMs: later.lastMs,
    operations,
  };
}

/** Waits, at most so long; `offer` gets what ends the wait early. */
function pause(ms: number, offer: (end: () => void) => void = () => {}): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    offer(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}
