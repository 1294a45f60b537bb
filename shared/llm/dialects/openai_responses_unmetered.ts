import type { JsonObject, RequestFault } from "../dialect.ts";
import { objectOf } from "../json_reading.ts";
import type { UnmeteredField } from "./openai_chat_unmetered.ts";
import { fault, isPresent } from "./request_checks.ts";

/** Refused rather than sold below cost: the request never reaches the provider. */
const UNMETERED_FIELDS: readonly UnmeteredField[] = [
  {
    name: "background",
    // POST answers at once, without usage, which only a later GET of the response reports.
    allows: (value) => value === false,
    why:
      "An answer in the background reports its usage only to who asks for it later, so it cannot " +
      "be metered. Leave background out and stream the answer instead.",
  },
  {
    name: "n", // Not OpenAI's here; some that speak this dialect take it all the same.
    allows: (value) => value === 1,
    why: "n must be 1: each further answer multiplies the cost. Send further requests instead.",
  },
  {
    name: "modalities", // OpenRouter
    allows: (value) => Array.isArray(value) && value.every((item) => item === "text"),
    why: "Only text can be answered in this dialect. Leave modalities out.",
  },
  {
    name: "service_tier",
    // flex costs less than the price here, which is the user's own choice; an unknown tier may not.
    allows: (value) => value === "auto" || value === "default" || value === "flex",
    why: `Other tiers cost more than the price here. Use "default".`,
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
    name: "deferred", // xAI
    allows: (value) => value === false,
    why: "A deferred answer cannot be metered. Leave deferred out.",
  },
];

/** Refuses a field whose use costs what no price here covers. */
export function checkUnmetered(body: JsonObject): RequestFault | null {
  for (const { name, allows, why } of UNMETERED_FIELDS) {
    if (isPresent(body[name]) && !allows(body[name])) return fault(why, name);
  }
  return null;
}
