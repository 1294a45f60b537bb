import type { JsonObject, RequestFault } from "../dialect.ts";
import {
  BACKGROUND,
  checkFields,
  DEFERRED,
  LIVE_SEARCH,
  ONE_ANSWER,
  PLUGINS,
  PRESET,
  ROUTING,
  type UnmeteredField,
} from "./unmetered_fields.ts";

/** Refused rather than sold below cost: the request never reaches the provider. */
export const UNMETERED_FIELDS: readonly UnmeteredField[] = [
  BACKGROUND,
  ONE_ANSWER,
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
    name: "request_id", // vLLM, SGLang
    allows: () => false,
    why: "The provider names its answers itself: this one could be another user's. Leave it out.",
  },
  LIVE_SEARCH,
  PLUGINS,
  DEFERRED,
  ROUTING,
  PRESET,
];

/** Refuses a field whose use costs what no price here covers, or that no output limit bounds. */
export function checkUnmetered(body: JsonObject): RequestFault | null {
  return checkFields(body, UNMETERED_FIELDS);
}
