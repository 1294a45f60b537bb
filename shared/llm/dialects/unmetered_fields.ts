import type { JsonObject, RequestFault } from "../dialect.ts";
import { objectOf } from "../json_reading.ts";
import { fault, isPresent } from "./request_checks.ts";

/** A field whose use costs what the price table does not have, unless its value is harmless. */
export interface UnmeteredField {
  readonly name: string;
  /** Whether this value, present and not null, costs nothing beyond tokens. */
  readonly allows: (value: unknown) => boolean;
  /** What to tell the client: why, and what to do. */
  readonly why: string;
}

/**
 * Refuses a field whose use no price here covers, or that no output limit bounds: the request never
 * reaches the provider.
 *
 * @param path where the fields are in the body, such as `generationConfig.`
 */
export function checkFields(
  fields: JsonObject,
  unmetered: readonly UnmeteredField[],
  path = "",
): RequestFault | null {
  const found = unmetered.find(({ name, allows }) =>
    isPresent(fields[name]) && !allows(fields[name])
  );
  return found === undefined ? null : fault(found.why, path + found.name);
}

/** Allows no value. */
export const never = () => false;

export const isEmptyList = (value: unknown) => Array.isArray(value) && value.length === 0;

/** Fields that providers take in more than one dialect. */
export const ONE_ANSWER: UnmeteredField = {
  name: "n",
  allows: (value) => value === 1,
  why: "n must be 1: each further answer multiplies the cost. Send further requests instead.",
};
export const LIVE_SEARCH: UnmeteredField = {
  name: "search_parameters", // xAI
  allows: (value) => objectOf(value)?.mode === "off",
  why: `Live search is billed per source, which no price here covers. Set its mode to "off".`,
};
export const PLUGINS: UnmeteredField = {
  name: "plugins", // OpenRouter
  allows: isEmptyList,
  why: "Plugins are billed per call, which no price here covers. Leave them out.",
};
/** What OpenRouter can be told of its hosts without naming one that may cost more than others. */
const ROUTING_FIELDS = new Set([
  ...["data_collection", "zdr", "require_parameters", "max_price", "ignore", "allow_fallbacks"],
]);
export const ROUTING: UnmeteredField = {
  name: "provider", // OpenRouter
  allows: (value) => {
    const routing = objectOf(value);
    return routing !== null && Object.keys(routing).every((name) => ROUTING_FIELDS.has(name));
  },
  why:
    "Hosts differ in price, and the price here is of the one that OpenRouter picks. In provider " +
    `use only ${[...ROUTING_FIELDS].join(", ")}.`,
};
export const PRESET: UnmeteredField = {
  name: "preset", // OpenRouter
  allows: never,
  why:
    "A preset lies at the provider and can name other models, hosts and limits than those that " +
    "are priced here. Send its settings themselves.",
};
export const DEFERRED: UnmeteredField = {
  name: "deferred", // xAI: the answer, and its usage, would be fetched later from elsewhere.
  allows: (value) => value === false,
  why: "A deferred answer cannot be metered. Leave deferred out.",
};
export const BACKGROUND: UnmeteredField = {
  name: "background",
  // OpenAI's POST answers at once, without usage, which only a later GET of the answer reports.
  allows: (value) => value === false,
  why:
    "An answer in the background reports its usage only to who asks for it later, so it cannot " +
    "be metered. Leave background out and stream the answer instead.",
};
