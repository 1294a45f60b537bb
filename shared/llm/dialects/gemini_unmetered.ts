import type { JsonObject, PricedFeature, RequestFault } from "../dialect.ts";
import { fieldsOf, listOf } from "./gemini_fields.ts";

/** A field whose use cannot be metered, unless its value is harmless. */
interface UnmeteredField {
  readonly name: string;
  readonly allows: (value: unknown) => boolean;
  /** What to tell the client: why, and what to do. */
  readonly why: string;
}

const never = () => false;

/** Fields of the body that are refused rather than sold below cost. */
const BODY_FIELDS: readonly UnmeteredField[] = [
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
const CONFIG_FIELDS: readonly UnmeteredField[] = [
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

/** Built-in tools, and why each is refused. Whatever is not here is unknown, and refused too. */
const BUILT_IN_TOOLS: Readonly<Record<string, string>> = {
  googleSearch: "A search is billed by the query, and no request can say how many there may be",
  googleSearchRetrieval: "A search is billed beside the tokens, and cannot be bounded",
  enterpriseWebSearch: "A search is billed beside the tokens, and cannot be bounded",
  googleMaps: "Google Maps is billed by the request, which no price here covers",
  urlContext: "Pages are read into the prompt without a bound that a request could set",
  codeExecution: "Code runs in rounds that each read the prompt again, without a bound",
  fileSearch: "File stores belong to the account that pays here, which all users share",
  retrieval: "Stores belong to the account that pays here, which all users share",
  computerUse: "Screens are read in rounds that cannot be bounded",
  mcpServers: "Remote tools are called in rounds that cannot be bounded",
};

/** Refuses what costs money that no price covers, or that nothing bounds. */
export function checkUnmetered(body: JsonObject, config: JsonObject): RequestFault | null {
  return checkFields(body, BODY_FIELDS, "") ??
    checkFields(config, CONFIG_FIELDS, "generationConfig.") ?? checkTools(body.tools);
}

function checkFields(
  fields: JsonObject,
  unmetered: readonly UnmeteredField[],
  path: string,
): RequestFault | null {
  const found = unmetered.find(({ name, allows }) =>
    fields[name] !== undefined && !allows(fields[name])
  );
  return found === undefined
    ? null
    : { kind: "fault", message: found.why, param: path + found.name };
}

function checkTools(tools: unknown): RequestFault | null {
  for (const [index, item] of listOf(tools).entries()) {
    const tool = fieldsOf(item);
    if (tool === null) {
      return { kind: "fault", message: "Each tool must be an object.", param: `tools[${index}]` };
    }
    const name = Object.keys(tool).find((name) => name !== "functionDeclarations");
    if (name === undefined) continue;
    const why = Object.hasOwn(BUILT_IN_TOOLS, name)
      ? BUILT_IN_TOOLS[name]
      : "What this tool costs is not known";
    return {
      kind: "fault",
      message: `${why}. Only functionDeclarations can be used.`,
      param: `tools[${index}].${name.slice(0, 40)}`,
    };
  }
  return null;
}

/** What the answer may be made of beyond text; each has a price of its own. */
export function readOutputFeatures(config: JsonObject): PricedFeature[] | RequestFault {
  const features = new Set<PricedFeature>();
  for (const modality of listOf(config.responseModalities)) {
    const name = typeof modality === "string" ? modality.toUpperCase() : null;
    if (name === "IMAGE") features.add("output_image");
    else if (name === "AUDIO") features.add("output_audio");
    else if (name !== "TEXT") {
      return {
        kind: "fault",
        message: "Answers can be TEXT, IMAGE and AUDIO: other modalities cannot be metered.",
        param: "generationConfig.responseModalities",
      };
    }
  }
  // Settings of a voice or a picture are only sent to be heard or seen.
  if (config.speechConfig !== undefined) features.add("output_audio");
  if (config.imageConfig !== undefined) features.add("output_image");
  return [...features];
}
