/**
 * What an operator may change while the functions run, as far as they must know it themselves. Kept
 * about five seconds per isolate, so that a change counts without a restart.
 */
import type { Env } from "../edge/env.ts";
import { isRefusal } from "../edge/refusal.ts";
import { parseUsd, type Usd } from "../pricing/money.ts";
import type { Ledger } from "./ledger.ts";
import { createRefreshed } from "./refreshed.ts";
import type { FunctionSettings as Told } from "./results.ts";

/** The settings as they count: the ledger's word together with the environment's. */
export type FunctionSettings = {
  /** `["*"]` or the exact origins that may call from a browser. */
  corsAllowedOrigins: readonly string[];
  savesChatHistory: boolean;
  /** Whether a request may go on only from what its own user was answered. */
  ownStoredItemsOnly: boolean;
  /** Absent: nothing is sent to a provider before it is reserved. */
  earlyStarts?: EarlyStartSettings;
};

export type EarlyStartSettings = {
  /** What refusals may still have cost the house today when the ledger was asked. */
  lossLeft: Usd;
  /** Whoever has less available is refused. */
  minimumBalance: Usd;
  /** Milliseconds since 1970: what was recorded before is in `lossLeft`. */
  askedAtMs: number;
};

export interface SettingsCache {
  /** The settings, about five seconds old at most while the ledger answers. Never rejects. */
  read(): Promise<FunctionSettings>;
}

export type SettingsCacheOptions = {
  ledger: Pick<Ledger, "functionSettings">;
  env: Pick<Env, "corsAllowedOrigins" | "saveChatHistory">;
  /** Milliseconds since 1970. */
  now?: () => number;
  waitUntil?: (promise: Promise<unknown>) => void;
  /** Told why a question was not answered, at most once in five seconds. */
  onRefreshError?: (error: unknown) => void;
  /** How long a question may keep a request waiting, in milliseconds. */
  timeoutMs?: number;
};

const FRESH_MS = 4_000;
/** Waited for after an idle while: the first request after a change shall see it. */
const TOO_OLD_MS = 5_000;
/** A preflight waits for it on a cold isolate. */
const TIMEOUT_MS = 2_000;

/**
 * Builds the cache. Make one per isolate. Where the ledger is away, the last word that it gave
 * counts, and the environment where it never gave one.
 */
export function createSettingsCache(options: SettingsCacheOptions): SettingsCache {
  const { ledger, env } = options;
  let known: FunctionSettings = {
    corsAllowedOrigins: env.corsAllowedOrigins,
    savesChatHistory: env.saveChatHistory === "on",
    ownStoredItemsOnly: true,
  };

  async function ask(): Promise<FunctionSettings> {
    const askedAtMs = (options.now ?? Date.now)();
    try {
      const settings = await inTime(ledger.functionSettings(), options.timeoutMs ?? TIMEOUT_MS);
      if (isRefusal(settings)) throw new Error(settings.message);
      // Null: the migrations are older than this function, so there is nothing to set.
      known = {
        corsAllowedOrigins: settings?.cors_allowed_origins ?? env.corsAllowedOrigins,
        savesChatHistory: env.saveChatHistory === "on" || (settings?.save_chat_history ?? false),
        ownStoredItemsOnly: settings?.own_stored_items_only ?? false,
        ...earlyStarts(settings?.early_starts, askedAtMs),
      };
    } catch (error) {
      options.onRefreshError?.(error);
    }
    return known;
  }

  return createRefreshed({
    ask,
    freshMs: FRESH_MS,
    tooOldMs: TOO_OLD_MS,
    // It never fails; and nobody has a use for newer ones.
    retryMs: FRESH_MS,
    newerEachMs: FRESH_MS,
    now: options.now,
    waitUntil: options.waitUntil,
  });
}

function earlyStarts(
  told: Told["early_starts"],
  askedAtMs: number,
): Pick<FunctionSettings, "earlyStarts"> {
  if (!told) return {};
  return {
    earlyStarts: {
      lossLeft: parseUsd(told.loss_left),
      minimumBalance: parseUsd(told.minimum_balance),
      askedAtMs,
    },
  };
}

async function inTime<T>(answer: Promise<T>, timeoutMs: number): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    const error = new Error(`The settings were not there within ${timeoutMs} ms`);
    timer = setTimeout(reject, timeoutMs, error);
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
    // Whoever came second has nobody left who listens.
    answer.catch(() => {});
  }
}
