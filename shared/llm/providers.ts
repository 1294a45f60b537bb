import { type CountingRules, DEFAULT_COUNTING } from "./counting_rules.ts";
import type { DialectName, UsageSwitch } from "./dialect.ts";

/** Where a provider takes the key. */
export type KeyHeader = "authorization: Bearer" | "x-api-key" | "x-goog-api-key" | "api-key";

/** How a provider speaks one dialect. */
export interface Endpoint {
  /** Appended to the provider's base URL. */
  readonly path: string;
  readonly keyHeader: KeyHeader;
  /** Sent with every request, such as a version of the API. */
  readonly headers: Readonly<Record<string, string>>;
  readonly usageSwitch: UsageSwitch;
  /** Names of the output limit that it obeys, preferred first. Any other is renamed. */
  readonly outputLimitFields: readonly [string, ...string[]];
  readonly counting: CountingRules;
}

/**
 * What to do upstream when the client is gone. `abort`: cutting the connection stops the provider's
 * billing; charge an estimate of what was received. `drain`: it does not; read on to the usage.
 */
export type AbortPolicy = "abort" | "drain";

/** Whom we pay: a row of data. Adding a provider is adding a row. */
export interface Provider {
  /** As in `provider:model`, in the price table and, in capitals, in the names of its variables. */
  readonly id: string;
  readonly name: string;
  /** Where its API is; `<ID>_BASE_URL` overrides it. Without a slash at the end. */
  readonly baseUrl: string;
  readonly endpoints: Partial<Readonly<Record<DialectName, Endpoint>>>;
  readonly abortPolicy: AbortPolicy;
}

/** Chat Completions as most speak it; each row says where it differs. */
const CHAT: Endpoint = {
  path: "/chat/completions",
  keyHeader: "authorization: Bearer",
  headers: {},
  usageSwitch: "optional",
  outputLimitFields: ["max_tokens"],
  counting: DEFAULT_COUNTING,
};

/**
 * Abort policies without another source are from OpenRouter's list of where a cancelled stream
 * stops billing (https://openrouter.ai/docs/api-reference/streaming).
 */
const ROWS: readonly Provider[] = [
  {
    id: "openai",
    name: "OpenAI",
    baseUrl: "https://api.openai.com/v1",
    endpoints: {
      "openai-chat": {
        ...CHAT,
        usageSwitch: "required",
        // gpt-5 and the o series reject max_tokens; every chat model takes max_completion_tokens.
        outputLimitFields: ["max_completion_tokens", "max_tokens"],
      },
    },
    abortPolicy: "abort", // Listed; OpenAI itself says nothing.
  },
  {
    id: "anthropic",
    name: "Anthropic",
    baseUrl: "https://api.anthropic.com",
    endpoints: {
      // The compatibility layer (https://platform.claude.com/docs/en/api/openai-sdk).
      "openai-chat": {
        ...CHAT,
        path: "/v1/chat/completions",
        usageSwitch: "required",
        outputLimitFields: ["max_tokens", "max_completion_tokens"],
      },
    },
    abortPolicy: "abort", // Listed; Anthropic itself says nothing.
  },
  {
    id: "google",
    name: "Google AI Studio",
    baseUrl: "https://generativelanguage.googleapis.com",
    endpoints: {
      // The compatibility layer (https://ai.google.dev/gemini-api/docs/openai).
      "openai-chat": {
        ...CHAT,
        path: "/v1beta/openai/chat/completions",
        usageSwitch: "required",
        outputLimitFields: ["max_tokens", "max_completion_tokens"],
        counting: { reasoning: "hidden_in_total", audioInput: "inside" },
      },
    },
    // js-genai on AbortSignal: "a client-only operation … You will still be charged".
    abortPolicy: "drain",
  },
  {
    id: "xai",
    name: "xAI",
    baseUrl: "https://api.x.ai/v1",
    endpoints: {
      "openai-chat": {
        ...CHAT,
        usageSwitch: "required",
        outputLimitFields: ["max_completion_tokens", "max_tokens"],
        counting: { reasoning: "outside", audioInput: "inside" },
      },
    },
    abortPolicy: "abort",
  },
  {
    id: "deepseek",
    name: "DeepSeek",
    baseUrl: "https://api.deepseek.com",
    endpoints: { "openai-chat": CHAT },
    abortPolicy: "abort",
  },
  {
    id: "groq",
    name: "Groq",
    baseUrl: "https://api.groq.com/openai/v1",
    endpoints: {
      "openai-chat": {
        ...CHAT,
        outputLimitFields: ["max_completion_tokens", "max_tokens"],
      },
    },
    abortPolicy: "drain",
  },
  {
    id: "mistral",
    name: "Mistral",
    baseUrl: "https://api.mistral.ai/v1",
    endpoints: {
      // It answers 422 to stream_options and to max_completion_tokens.
      "openai-chat": {
        ...CHAT,
        usageSwitch: "rejected",
        counting: { reasoning: "inside", audioInput: "outside" },
      },
    },
    abortPolicy: "drain",
  },
  {
    id: "openrouter",
    name: "OpenRouter",
    baseUrl: "https://openrouter.ai/api/v1",
    endpoints: {
      "openai-chat": { ...CHAT, outputLimitFields: ["max_tokens", "max_completion_tokens"] },
    },
    abortPolicy: "drain", // It depends on the provider behind it, which is not known beforehand.
  },
  {
    id: "together",
    name: "Together",
    baseUrl: "https://api.together.ai/v1",
    endpoints: { "openai-chat": CHAT },
    abortPolicy: "abort",
  },
  {
    id: "fireworks",
    name: "Fireworks",
    baseUrl: "https://api.fireworks.ai/inference/v1",
    endpoints: { "openai-chat": { ...CHAT, usageSwitch: "required" } },
    abortPolicy: "abort",
  },
];

/** The providers that Farebox knows, by id. */
export const PROVIDERS: ReadonlyMap<string, Provider> = new Map(ROWS.map((row) => [row.id, row]));

/**
 * Where a request goes.
 *
 * @param baseUrl the override of `<ID>_BASE_URL`, or `null` for the provider's own. SDKs differ in what
 * they take for a base, so each of these is understood: with a slash at the end, with the version
 * that the endpoint's path repeats, and a bare host, which keeps the path of the provider's own base.
 */
export function endpointUrl(
  provider: Provider,
  endpoint: Endpoint,
  baseUrl: string | null,
): string {
  let base = (baseUrl ?? provider.baseUrl).replace(/\/$/, "");
  if (new URL(base).pathname === "/") base += new URL(provider.baseUrl).pathname.replace(/\/$/, "");
  const version = /^\/v\d\w*/.exec(endpoint.path)?.[0];
  return version !== undefined && base.endsWith(version)
    ? base + endpoint.path.slice(version.length)
    : base + endpoint.path;
}

/** The headers of a request to an endpoint: the key where the provider takes it, and its own. */
export function endpointHeaders(endpoint: Endpoint, key: string): Record<string, string> {
  return endpoint.keyHeader === "authorization: Bearer"
    ? { ...endpoint.headers, authorization: `Bearer ${key}` }
    : { ...endpoint.headers, [endpoint.keyHeader]: key };
}
