import type { JsonObject, RequestFault } from "../dialect.ts";
import { objectOf } from "../json_reading.ts";
import { checkSpelling, spellingsOf } from "./field_spelling.ts";
import { isPresent } from "./request_checks.ts";
import {
  BACKGROUND,
  checkFields,
  DEFERRED,
  LIVE_SEARCH,
  never,
  ONE_ANSWER,
  PLUGINS,
  PRESET,
  ROUTING,
  type UnmeteredField,
} from "./unmetered_fields.ts";

/** `on_demand` is Groq's word for the default one, `standard` Mistral's. */
const PRICED_TIERS = ["auto", "default", "flex", "on_demand", "standard"] as const;

const OUTPUT_KINDS = ["text", "audio", "image"] as const;

/** The output limit of llama.cpp, TGI and Ollama, which goes before the one that is set here. */
const OTHER_LIMITS = ["n_predict", "max_new_tokens", "num_predict"] as const;
const LIMIT_SPELLINGS = spellingsOf(OTHER_LIMITS);
const ONE_LIMIT = `Where ${OTHER_LIMITS.join(", ")} is known, it goes before the limit that is ` +
  "reserved here. Use max_tokens.";

/** Refused rather than sold below cost: the request never reaches the provider. */
export const UNMETERED_FIELDS: readonly UnmeteredField[] = [
  ONE_ANSWER,
  {
    name: "modalities",
    allows: (value) =>
      Array.isArray(value) && value.every((item) => OUTPUT_KINDS.some((kind) => kind === item)),
    why: "An answer can be text, audio or image: modalities must be a list of these.",
  },
  {
    name: "audio",
    allows: (value) => objectOf(value) !== null,
    why: "audio must be an object that says the voice and the format.",
  },
  {
    name: "prediction",
    allows: never,
    why: "Rejected prediction tokens are billed beyond any output limit. Leave prediction out.",
  },
  {
    name: "web_search_options",
    allows: (value) => objectOf(value) !== null,
    why: "web_search_options must be an object.",
  },
  {
    name: "enable_search", // DashScope
    allows: (value) => value === false,
    why: "This search is billed by the call, without a limit. Leave enable_search out.",
  },
  LIVE_SEARCH,
  PLUGINS,
  {
    name: "service_tier",
    // flex costs less than the price here, which is the user's own choice; an unknown tier may not.
    allows: (value) => PRICED_TIERS.some((tier) => tier === value),
    why: `Other tiers cost more than the price here. Use "default".`,
  },
  DEFERRED,
  BACKGROUND,
  ROUTING,
  PRESET,
  ...OTHER_LIMITS.map((name): UnmeteredField => ({ name, allows: never, why: ONE_LIMIT })),
  {
    name: "options", // Ollama
    allows: (value) =>
      OTHER_LIMITS.every((name) => !isPresent(objectOf(value)?.[name])) &&
      checkSpelling(value, LIMIT_SPELLINGS) === null,
    why: ONE_LIMIT,
  },
  {
    name: "best_of",
    allows: (value) => value === 1,
    why: "Each answer to choose from is billed: best_of must be 1. Send further requests instead.",
  },
  // Google's own fields in its compatible API, where some clients have them at the top.
  ...["extra_body", "google"].map((name): UnmeteredField => ({
    name,
    allows: (value) => !namesCache(name === "google" ? value : objectOf(value)?.google),
    why: "A cache at the provider belongs to the account that pays here, which all users share. " +
      "Send the content itself.",
  })),
];

function namesCache(google: unknown): boolean {
  const fields = objectOf(google) ?? {};
  return isPresent(fields.cached_content) || isPresent(fields.cachedContent);
}

/** Refuses a field whose use costs what no price here covers, or that no output limit bounds. */
export function checkUnmetered(body: JsonObject): RequestFault | null {
  return checkFields(body, UNMETERED_FIELDS);
}
