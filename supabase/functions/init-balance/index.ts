import { createLedger } from "../../../shared/credit/ledger.ts";
import { reportOutages } from "../../../shared/credit/outage_report.ts";
import { readEnv } from "../../../shared/edge/env.ts";
import { waitUntil } from "../../../shared/edge/wait_until.ts";
import { createHandler } from "./handler.ts";

/**
 * All that this function reads. A slip in a setting of another function must not keep it from
 * starting: Auth refuses every sign-up while its hook does not answer.
 */
const READS = new Set([
  "SUPABASE_URL",
  "SUPABASE_PUBLISHABLE_KEYS",
  "SUPABASE_ANON_KEY",
  "SUPABASE_SECRET_KEYS",
  "SUPABASE_SERVICE_ROLE_KEY",
  "ADDRESS_HASH_SALT",
  "BEFORE_USER_CREATED_HOOK_SECRET",
  "DATABASE_WEBHOOK_SECRET",
]);
const env = readEnv((name) => READS.has(name) ? Deno.env.get(name) : undefined);

/** Auth gives all attempts of a hook 5 s together; what is left of them is its second attempt. */
const LEDGER_TIMEOUT_MS = 2_000;
const { ledger } = reportOutages(
  createLedger({
    url: env.supabaseUrl,
    secretKey: env.secretKey,
    timeoutMs: LEDGER_TIMEOUT_MS,
  }),
  { waitUntil },
);

export default {
  fetch: createHandler({
    ledger,
    authHookSecrets: env.authHookSecrets,
    webhookSecrets: [
      ...(env.databaseWebhookSecret ? [env.databaseWebhookSecret] : []),
      ...env.secretKeys,
    ],
    addressHashSalt: env.addressHashSalt,
  }),
};
