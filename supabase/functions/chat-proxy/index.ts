/** chat-proxy: wiring only. What it does is in `handler.ts`. */
import { createLedger } from "../../../shared/credit/ledger.ts";
import { reportOutages } from "../../../shared/credit/outage_report.ts";
import { createPriceCache } from "../../../shared/credit/price_cache.ts";
import { createSettingsCache } from "../../../shared/credit/settings_cache.ts";
import { readEnv } from "../../../shared/edge/env.ts";
import { identifyDeps } from "../../../shared/edge/identify.ts";
import { logWarning } from "../../../shared/edge/log.ts";
import { OPENAI_CHAT } from "../../../shared/llm/dialects/openai_chat.ts";
import { LOAD_DIALECT } from "../../../shared/llm/load_dialect.ts";
import { waitUntil } from "../../../shared/edge/wait_until.ts";
import { createHandler } from "./handler.ts";
import { hurryCheckpoints } from "./hold.ts";

const env = readEnv((name) => Deno.env.get(name));
const { ledger, recordLater } = reportOutages(
  createLedger({ url: env.supabaseUrl, secretKey: env.secretKey }),
  { waitUntil },
);
const settings = createSettingsCache({
  ledger,
  env,
  waitUntil,
  onRefreshError: (error) => logWarning("Could not refresh the settings", { error }),
});
const handler = createHandler({
  env,
  ledger,
  prices: createPriceCache({
    ledger,
    waitUntil,
    onRefreshError: (error) => logWarning("Could not refresh the prices", { error }),
  }),
  settings,
  identify: identifyDeps(env),
  // The one that is asked for most is there from the start.
  dialects: new Map(LOAD_DIALECT).set("openai-chat", () => Promise.resolve(OPENAI_CHAT)),
  fetch,
  waitUntil,
  now: Date.now,
  recordLater,
  sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
});

// The platform's word that this isolate ends: a deployment, or a limit of time, CPU or memory.
addEventListener("beforeunload", hurryCheckpoints);

export default { fetch: handler };
