/** What the steps of a request need; made once, in `index.ts`. */
import type { Ledger } from "../../../shared/credit/ledger.ts";
import type { IncidentArgs } from "../../../shared/credit/requests.ts";
import type { PriceCache } from "../../../shared/credit/price_cache.ts";
import type { SettingsCache } from "../../../shared/credit/settings_cache.ts";
import type { Env } from "../../../shared/edge/env.ts";
import type { IdentifyDeps } from "../../../shared/edge/identify.ts";
import type { DialectName } from "../../../shared/llm/dialect.ts";
import type { LoadDialect } from "../../../shared/llm/load_dialect.ts";

export type ChatProxyDeps = {
  env: Env;
  ledger: Ledger;
  prices: PriceCache;
  settings: SettingsCache;
  identify: IdentifyDeps;
  dialects: ReadonlyMap<DialectName, LoadDialect>;
  fetch: typeof fetch;
  waitUntil: (promise: Promise<unknown>) => void;
  /** Milliseconds since 1970. */
  now: () => number;
  sleep: (ms: number) => Promise<void>;
  /** Records an incident as soon as the ledger answers again. */
  recordLater: (incident: IncidentArgs) => void;
};
