import { createAlertLedger } from "../../../shared/credit/alerts.ts";
import { createLedger } from "../../../shared/credit/ledger.ts";
import { reportOutages } from "../../../shared/credit/outage_report.ts";
import { createSettingsCache } from "../../../shared/credit/settings_cache.ts";
import { readEnv } from "../../../shared/edge/env.ts";
import { identifyDeps } from "../../../shared/edge/identify.ts";
import { logWarning } from "../../../shared/edge/log.ts";
import { waitUntil } from "../../../shared/edge/wait_until.ts";
import { createHandler } from "./handler.ts";
import { createSend, type Send } from "./webhook.ts";

const env = readEnv((name) => Deno.env.get(name));
const { ledger } = reportOutages(
  createLedger({ url: env.supabaseUrl, secretKey: env.secretKey }),
  { waitUntil },
);

const sendTo = (name: "ALERT" | "BALANCE"): Send | null => {
  const webhook = env.webhook(name);
  return webhook === undefined ? null : createSend(webhook);
};
const settings = createSettingsCache({
  ledger,
  env,
  waitUntil,
  onRefreshError: (error) => logWarning("Settings not refreshed", { error }),
});

export default {
  fetch: createHandler({
    ledger,
    alerts: {
      ledger: createAlertLedger({ url: env.supabaseUrl, secretKey: env.secretKey }),
      project: new URL(env.supabaseUrl).host,
      sendAlert: sendTo("ALERT"),
      sendNotice: sendTo("BALANCE"),
    },
    identify: identifyDeps(env),
    readOrigins: async () => (await settings.read()).corsAllowedOrigins,
  }),
};
