import type { JsonObject, RequestFault } from "../dialect.ts";
import { fieldsOf, listOf } from "./gemini_fields.ts";
import { checkFields, never, type UnmeteredField } from "./unmetered_fields.ts";

/** Fields of the body that are refused rather than sold below cost. */
export const BODY_FIELDS: readonly UnmeteredField[] = [
  {
    name: "cachedContent",
    allows: never,
    why:
      "Cached content belongs to the account that pays here, which all users share: it could be " +
      "another's. Send the content itself; what repeats is cached by itself.",
  },
  {
    name: "continuationToken",
    allows: never,
    why:
      "An answer that goes on from what lies at the provider cannot be metered. Send the contents.",
  },
  {
    name: "serviceTier",
    // flex costs less than the price here, which is the user's own choice; an unknown tier may not.
    allows: (value) =>
      typeof value === "string" &&
      ["unspecified", "standard", "flex"].includes(value.toLowerCase()),
    why: `Other tiers cost more than the price here. Use "standard" or leave serviceTier out.`,
  },
  {
    name: "modelArmorConfig",
    allows: never,
    why: "Model Armor is billed apart, which no price here covers. Use safetySettings instead.",
  },
];

/** The same in `generationConfig`. */
export const CONFIG_FIELDS: readonly UnmeteredField[] = [
  {
    name: "candidateCount",
    allows: (value) => value === 1,
    why:
      "candidateCount must be 1: each further answer multiplies the cost. Send further requests.",
  },
  {
    name: "routingConfig",
    allows: never,
    why: "Routing lets a model answer that was not named here. Name the model in the path.",
  },
  {
    name: "modelSelectionConfig",
    allows: never,
    why: "Model selection lets a model answer that was not named here. Name it in the path.",
  },
  {
    name: "responseFormat",
    allows: (value) =>
      listOf(value).every((item) => {
        const format = fieldsOf(item);
        return format !== null && Object.keys(format).every((name) => name === "text");
      }),
    why: "responseFormat can only ask for text. Ask for sound or images in responseModalities.",
  },
];

/** Refuses a field whose use costs what no price here covers, or that no output limit bounds. */
export function checkUnmetered(body: JsonObject, config: JsonObject): RequestFault | null {
  return checkFields(body, BODY_FIELDS) ?? checkFields(config, CONFIG_FIELDS, "generationConfig.");
}
