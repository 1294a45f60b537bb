import type { JsonObject, RequestFault } from "../dialect.ts";
import {
  BACKGROUND,
  checkFields,
  isEmptyList,
  never,
  PLUGINS,
  PRESET,
  ROUTING,
  type UnmeteredField,
} from "./unmetered_fields.ts";

/** Refused rather than sold below cost, or because it reaches into the operator's account. */
export const UNMETERED_FIELDS: readonly UnmeteredField[] = [
  {
    name: "speed",
    allows: (value) => value === "standard",
    why: `Fast mode costs a multiple of the price here. Leave speed out, or set it to "standard".`,
  },
  {
    name: "inference_geo",
    // Newer models cost a tenth more where the region is fixed.
    allows: (value) => value === "global",
    why: `A fixed region costs more than the price here. Leave inference_geo out, or use "global".`,
  },
  {
    name: "service_tier",
    // Priority is capacity that the account has paid for: a request costs no more there.
    allows: (value) => value === "auto" || value === "standard_only",
    why: `service_tier must be "auto" or "standard_only".`,
  },
  {
    name: "container",
    allows: never,
    why: "A container is billed by the hour, which no price here covers. Leave container out.",
  },
  {
    name: "mcp_servers",
    allows: isEmptyList,
    why:
      "Servers that the provider calls run the model again, without a bound. Call them yourself " +
      "and offer them as tools.",
  },
  {
    name: "fallbacks",
    allows: isEmptyList,
    why: "The provider would bill the attempts of several models. Name other models in models.",
  },
  {
    name: "fallback_credit_token",
    allows: never,
    why: "Credits belong to the account at the provider. Leave fallback_credit_token out.",
  },
  {
    name: "billing_policy",
    allows: never,
    why: "Who is billed is decided here. Leave billing_policy out.",
  },
  {
    name: "thread",
    allows: never,
    why:
      "A conversation that is kept at the provider cannot be metered. Send its messages instead.",
  },
  PLUGINS,
  BACKGROUND,
  ROUTING,
  PRESET,
];

/** Refuses a field whose use costs what no price here covers, or that no output limit bounds. */
export function checkUnmetered(body: JsonObject): RequestFault | null {
  return checkFields(body, UNMETERED_FIELDS);
}
