import { createLedger } from "../../../shared/credit/ledger.ts";
import { readEnv } from "../../../shared/edge/env.ts";
import { createHandler } from "./handler.ts";

const env = readEnv((name) => Deno.env.get(name));

/** Auth gives all attempts of a hook 5 s together; what is left of them is its second attempt. */
const LEDGER_TIMEOUT_MS = 2_000;

export default {
  fetch: createHandler({
    ledger: createLedger({
      url: env.supabaseUrl,
      secretKey: env.secretKey,
      timeoutMs: LEDGER_TIMEOUT_MS,
    }),
    authHookSecrets: env.authHookSecrets,
    webhookSecrets: [
      ...(env.databaseWebhookSecret ? [env.databaseWebhookSecret] : []),
      ...env.secretKeys,
    ],
    addressHashSalt: env.addressHashSalt,
  }),
};
