import { createLedger } from "../../../shared/credit/ledger.ts";
import { readEnv } from "../../../shared/edge/env.ts";
import { identifyDeps } from "../../../shared/edge/identify.ts";
import { createHandler } from "./handler.ts";

const env = readEnv((name) => Deno.env.get(name));

export default {
  fetch: createHandler({
    ledger: createLedger({ url: env.supabaseUrl, secretKey: env.secretKey }),
    identify: identifyDeps(env),
    corsAllowedOrigins: env.corsAllowedOrigins,
  }),
};
