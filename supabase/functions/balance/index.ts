import { createLedger } from "../../../shared/credit/ledger.ts";
import { reportOutages } from "../../../shared/credit/outage_report.ts";
import { createPriceCache } from "../../../shared/credit/price_cache.ts";
import { createSettingsCache } from "../../../shared/credit/settings_cache.ts";
import { readEnv } from "../../../shared/edge/env.ts";
import { identifyDeps } from "../../../shared/edge/identify.ts";
import { logWarning } from "../../../shared/edge/log.ts";
import { waitUntil } from "../../../shared/edge/wait_until.ts";
import { LOAD_DIALECT } from "../../../shared/llm/load_dialect.ts";
import { createHandler } from "./handler.ts";

const env = readEnv((name) => Deno.env.get(name));
const { ledger } = reportOutages(
  createLedger({ url: env.supabaseUrl, secretKey: env.secretKey }),
  { waitUntil },
);
const settings = createSettingsCache({
  ledger,
  env,
  waitUntil,
  onRefreshError: (error) => logWarning("Settings not refreshed", { error }),
});

export default {
  fetch: createHandler({
    ledger,
    prices: createPriceCache({
      ledger,
      onRefreshError: (error) => logWarning("Prices not refreshed", { error }),
    }),
    identify: identifyDeps(env),
    prompts: LOAD_DIALECT,
    freeGuestExchanges: env.freeGuestExchanges,
    maxBodyBytes: env.maxBodyBytes,
    readOrigins: async () => (await settings.read()).corsAllowedOrigins,
  }),
};
