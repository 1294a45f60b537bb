import { objectOf } from "../json_reading.ts";

/** A field whose use costs what the price table does not have, unless its value is harmless. */
export interface UnmeteredField {
  readonly name: string;
  /** Whether this value, present and not null, costs nothing beyond tokens. */
  readonly allows: (value: unknown) => boolean;
  /** What to tell the client: why, and what to do. */
  readonly why: string;
}

const never = () => false;

/** `on_demand` is Groq's word for the default one, `standard` Mistral's. */
const PRICED_TIERS = ["auto", "default", "flex", "on_demand", "standard"] as const;

const OUTPUT_KINDS = ["text", "audio", "image"] as const;

/** Refused rather than sold below cost: the request never reaches the provider. */
export const UNMETERED_FIELDS: readonly UnmeteredField[] = [
  {
    name: "n",
    allows: (value) => value === 1,
    why: "n must be 1: each further answer multiplies the cost. Send further requests instead.",
  },
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
  {
    name: "search_parameters", // xAI
    allows: (value) => objectOf(value)?.mode === "off",
    why: `Live search is billed per source, which no price here covers. Set its mode to "off".`,
  },
  {
    name: "plugins", // OpenRouter
    allows: (value) => Array.isArray(value) && value.length === 0,
    why: "Plugins are billed per call, which no price here covers. Leave them out.",
  },
  {
    name: "service_tier",
    // flex costs less than the price here, which is the user's own choice; an unknown tier may not.
    allows: (value) => PRICED_TIERS.some((tier) => tier === value),
    why: `Other tiers cost more than the price here. Use "default".`,
  },
  {
    name: "deferred", // xAI: the answer, and its usage, would be fetched later from elsewhere.
    allows: (value) => value === false,
    why: "A deferred answer cannot be metered. Leave deferred out.",
  },
  {
    name: "background",
    allows: (value) => value === false,
    why: "An answer in the background cannot be metered. Leave background out.",
  },
];
