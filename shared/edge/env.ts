/**
 * All configuration of the functions, read and validated once.
 *
 * Nothing else reads environment variables. What SQL needs (welcome credit, minimum balance, slices)
 * is in `billing.settings` and not here.
 */
import * as z from "zod/mini";
import { clientAddressHeaders } from "./client_address.ts";
import { withoutTrailingSlashes } from "./trailing_slashes.ts";

/** Where one provider is and how it is paid for; both absent when it is not configured. */
export type ProviderEnv = { key?: string; baseUrl?: string };

/** Where messages go, and what they are signed with: `whsec_…`, one or more; none where unsigned. */
export type WebhookEnv = { url: string; secrets: string[] };

/** The validated configuration. Durations are in milliseconds, sizes in bytes. */
export type Env = {
  supabaseUrl: string;
  /** Every key that names no one but "an app of this project"; at least one. */
  publishableKeys: string[];
  publishableKey: string;
  /** Every key that acts as the operator; at least one. */
  secretKeys: string[];
  /** The secret key that the functions themselves use for the ledger. */
  secretKey: string;
  /** Public keys for local verification of access tokens, where the platform provides them. */
  jwks?: { keys: JsonWebKey[] };
  freeGuestExchanges: number;
  guestTokenSecret: string;
  addressHashSalt: string;
  /** The headers to believe about a client's address, best first. */
  clientAddressHeaders: readonly string[];
  maxBodyBytes: number;
  streamDeadlineMs: number;
  heartbeatMs: number;
  upstreamTimeoutMs: number;
  /** How often a provider that failed before its first byte is asked again. */
  upstreamRetries: number;
  usageTracking: "on" | "off";
  balanceEnforcement: "enforce" | "observe" | "off";
  ledgerOutage: "refuse" | "allow";
  /** `on`: saved, whatever the setting says. `off`: what the setting says. */
  saveChatHistory: "on" | "off";
  /** `["*"]` or the exact origins that may call from a browser. */
  corsAllowedOrigins: string[];
  /** Secrets of the Supabase Auth hook, newest first; empty where no hook is configured. */
  authHookSecrets: string[];
  databaseWebhookSecret?: string;
  /** The settings of a provider, by its id: `openai` reads OPENAI_API_KEY and OPENAI_BASE_URL. */
  provider(name: string): ProviderEnv;
  /** ALERT_WEBHOOK_URL and _SECRET, or BALANCE_…; undefined where no URL is set. */
  webhook(name: "ALERT" | "BALANCE"): WebhookEnv | undefined;
};

/** The configuration is wrong; the message lists every bad variable, and never a value. */
export class EnvError extends Error {
  override name = "EnvError";
  constructor(problems: string[]) {
    super(`Cannot start with this configuration:\n${problems.map((p) => `- ${p}`).join("\n")}`);
  }
}

const wholeNumber = (min: number, max: number) => {
  const range = `must be a whole number from ${min} to ${max}`;
  return z.pipe(
    z.pipe(z.string().check(z.regex(/^\d{1,12}$/, range)), z.transform(Number)),
    z.number().check(z.minimum(min, range), z.maximum(max, range)),
  );
};

const seconds = (min: number, max: number) =>
  z.pipe(wholeNumber(min, max), z.transform((value) => value * 1000));

const httpUrl = z.url({
  protocol: /^https?$/,
  hostname: /^.+$/,
  error: "must be an http(s) URL",
});

const oneOf = <const T extends string>(...values: T[]) =>
  z.enum(values, `must be one of ${values.join(", ")}`);

const secret = z.string().check(z.minLength(16, "must be at least 16 characters long"));

const Variables = z.object({
  SUPABASE_URL: httpUrl,
  FREE_GUEST_EXCHANGES: z._default(wholeNumber(0, 10_000), 3),
  GUEST_TOKEN_SECRET: z.optional(secret),
  ADDRESS_HASH_SALT: z.optional(secret),
  CLIENT_ADDRESS_HEADER: z.optional(
    z.string().check(z.regex(/^[A-Za-z0-9-]{1,64}$/, "must be the name of one header")),
  ),
  MAX_BODY_BYTES: z._default(wholeNumber(1024, 100 * 1024 * 1024), 10 * 1024 * 1024),
  STREAM_DEADLINE_SECONDS: z._default(seconds(1, 390), 180_000),
  // A reservation lives 90 s from one heartbeat to the next: two of them may fail.
  HEARTBEAT_SECONDS: z._default(seconds(1, 30), 15_000),
  UPSTREAM_TIMEOUT_SECONDS: z._default(seconds(1, 390), 120_000),
  UPSTREAM_RETRIES: z._default(wholeNumber(0, 5), 2),
  USAGE_TRACKING: z._default(oneOf("on", "off"), "on"),
  BALANCE_ENFORCEMENT: z._default(oneOf("enforce", "observe", "off"), "enforce"),
  LEDGER_OUTAGE: z._default(oneOf("refuse", "allow"), "refuse"),
  SAVE_CHAT_HISTORY: z._default(oneOf("on", "off"), "off"),
  CORS_ALLOWED_ORIGINS: z._default(
    z.string().check(
      z.regex(
        /^(\*|https?:\/\/[^\s,/]+(\s*,\s*https?:\/\/[^\s,/]+)*)$/,
        "must be * or origins like https://app.example, separated by commas",
      ),
    ),
    "*",
  ),
  BEFORE_USER_CREATED_HOOK_SECRET: z.optional(
    z.string().check(
      z.regex(
        /^v1,whsec_[A-Za-z0-9+/=]{16,}(\|v1,whsec_[A-Za-z0-9+/=]{16,})*$/,
        "must be v1,whsec_<base64>, several joined by |",
      ),
      z.refine(isBase64, "must hold valid base64 after each v1,whsec_"),
    ),
  ),
  DATABASE_WEBHOOK_SECRET: z.optional(secret),
});

const NamedKeys = z.record(z.string(), z.string().check(z.minLength(1)));
const Jwk = z.looseObject({ kty: z.string() });
const Jwks = z.union([z.object({ keys: z.array(Jwk) }), z.array(Jwk)]);

/**
 * Reads the configuration.
 *
 * @param get how to look up one variable, `(name) => Deno.env.get(name)` in a function. A variable
 * that is set to the empty string counts as not set.
 * @throws {EnvError} naming every variable that is missing or malformed.
 */
export function readEnv(get: (name: string) => string | undefined): Env {
  const problems: string[] = [];
  const read = (name: string): string | undefined => get(name)?.trim() || undefined;

  const parsed = Variables.safeParse(
    Object.fromEntries(
      Object.keys(Variables.shape).map((name) => [name, read(name)]),
    ),
  );
  for (const issue of parsed.error?.issues ?? []) {
    const missing = issue.code === "invalid_type" && read(String(issue.path[0])) === undefined;
    problems.push(`${String(issue.path[0])} ${missing ? "is not set" : issue.message}`);
  }
  const publishableKeys = readKeys("SUPABASE_PUBLISHABLE_KEYS", "SUPABASE_ANON_KEY");
  const secretKeys = readKeys("SUPABASE_SECRET_KEYS", "SUPABASE_SERVICE_ROLE_KEY");
  const jwks = readJwks();
  if (!parsed.success || problems.length > 0) throw new EnvError(problems);

  const values = parsed.data;
  const secretKey = secretKeys[0]!;
  return {
    supabaseUrl: withoutTrailingSlashes(values.SUPABASE_URL),
    publishableKeys,
    publishableKey: publishableKeys[0]!,
    secretKeys,
    secretKey,
    ...(jwks && { jwks }),
    freeGuestExchanges: values.FREE_GUEST_EXCHANGES,
    // Both are HMAC keys. The prefix keeps each use of the secret key apart from the other.
    guestTokenSecret: values.GUEST_TOKEN_SECRET ?? `farebox guest token ${secretKey}`,
    addressHashSalt: values.ADDRESS_HASH_SALT ?? `farebox client address ${secretKey}`,
    clientAddressHeaders: clientAddressHeaders(
      values.SUPABASE_URL,
      values.CLIENT_ADDRESS_HEADER?.toLowerCase(),
    ),
    maxBodyBytes: values.MAX_BODY_BYTES,
    streamDeadlineMs: values.STREAM_DEADLINE_SECONDS,
    heartbeatMs: values.HEARTBEAT_SECONDS,
    upstreamTimeoutMs: values.UPSTREAM_TIMEOUT_SECONDS,
    upstreamRetries: values.UPSTREAM_RETRIES,
    usageTracking: values.USAGE_TRACKING,
    balanceEnforcement: values.BALANCE_ENFORCEMENT,
    ledgerOutage: values.LEDGER_OUTAGE,
    saveChatHistory: values.SAVE_CHAT_HISTORY,
    corsAllowedOrigins: values.CORS_ALLOWED_ORIGINS.split(",").map((origin) => origin.trim()),
    authHookSecrets: values.BEFORE_USER_CREATED_HOOK_SECRET?.split("|") ?? [],
    ...(values.DATABASE_WEBHOOK_SECRET && {
      databaseWebhookSecret: values.DATABASE_WEBHOOK_SECRET,
    }),
    provider: (name) => readProvider(read, name),
    webhook: (name) => readWebhook(read, name),
  };

  /** The named keys, `default` first, then the legacy key where it is set too. */
  function readKeys(namesVariable: string, legacyVariable: string): string[] {
    const keys: string[] = [];
    const text = read(namesVariable);
    if (text !== undefined) {
      const named = NamedKeys.safeParse(parseJson(text));
      if (named.success) {
        const { default: first, ...others } = named.data;
        keys.push(...(first ? [first] : []), ...Object.values(others));
      } else {
        problems.push(`${namesVariable} must be JSON like {"default":"sb_…"}`);
      }
    }
    const legacy = read(legacyVariable);
    if (legacy !== undefined) keys.push(legacy);
    if (keys.length === 0 && text === undefined) {
      problems.push(`${namesVariable} is not set (nor is the older ${legacyVariable})`);
    } else if (keys.length === 0 && !problems.some((p) => p.startsWith(namesVariable))) {
      problems.push(`${namesVariable} holds no key`);
    }
    return keys;
  }

  function readJwks(): { keys: JsonWebKey[] } | undefined {
    const text = read("SUPABASE_JWKS");
    if (text === undefined) return undefined;
    const jwks = Jwks.safeParse(parseJson(text));
    if (!jwks.success) {
      problems.push('SUPABASE_JWKS must be JSON like {"keys":[…]}');
      return undefined;
    }
    return { keys: (Array.isArray(jwks.data) ? jwks.data : jwks.data.keys) as JsonWebKey[] };
  }
}

function readProvider(
  read: (name: string) => string | undefined,
  name: string,
): ProviderEnv {
  const prefix = name.toUpperCase().replace(/[^A-Z0-9]/g, "_");
  const key = read(`${prefix}_API_KEY`);
  const baseUrl = read(`${prefix}_BASE_URL`);
  if (baseUrl !== undefined && !httpUrl.safeParse(baseUrl).success) {
    throw new EnvError([`${prefix}_BASE_URL must be an http(s) URL`]);
  }
  return { ...(key && { key }), ...(baseUrl && { baseUrl: withoutTrailingSlashes(baseUrl) }) };
}

/** Read where it is used: a slip in it must not keep the chat from starting. */
function readWebhook(
  read: (name: string) => string | undefined,
  name: "ALERT" | "BALANCE",
): WebhookEnv | undefined {
  const url = read(`${name}_WEBHOOK_URL`);
  const secrets = read(`${name}_WEBHOOK_SECRET`)?.split("|") ?? [];
  const problems: string[] = [];
  if (url !== undefined && !httpUrl.safeParse(url).success) {
    problems.push(`${name}_WEBHOOK_URL must be an http(s) URL`);
  }
  if (!secrets.every((secret) => /^whsec_[A-Za-z0-9+/=]{16,}$/.test(secret) && isBase64(secret))) {
    problems.push(`${name}_WEBHOOK_SECRET must be whsec_<base64>, several joined by |`);
  }
  if (problems.length > 0) throw new EnvError(problems);
  return url === undefined ? undefined : { url, secrets };
}

/** Whether every secret of a hook can be decoded; a broken one would only show at the first sign-up. */
function isBase64(secrets: string): boolean {
  try {
    return secrets.split("|").every((secret) => atob(secret.replace(/^(v1,)?whsec_/, "")) !== "");
  } catch {
    return false;
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
