import type { JsonObject, RequestFault } from "../dialect.ts";
import { objectOf } from "../json_reading.ts";
import { checkSpelling, spellingsOf } from "./field_spelling.ts";
import { fault, isFault, isPresent, readWhole } from "./request_checks.ts";

/** How often the tools of the provider may run at most, over the whole answer. */
export interface ServerToolUses {
  readonly kind: "uses";
  /** Billed by the search. */
  readonly webSearchesMax: number;
  /** Free by the call; what is fetched is input. */
  readonly webFetchesMax: number;
}

/** Of all tools together: more than an answer ever makes, and as many as a reservation can hold. */
const USES_MAX = 100;

/**
 * Anthropic's own tools that run at the client: they cost their description, and what they return.
 * By kind and date, for the dates tell versions of the same thing.
 */
const CLIENT_TOOL = /^(?:bash|text_editor|computer|memory|computer_toolset|browser_toolset)_\d{8}$/;
/**
 * Web tools from 2026 on may be called from code that the provider runs. That code is free beside
 * them, and its calls are uses like any other.
 */
const WEB_SEARCH = /^web_search_\d{8}$/;
const WEB_FETCH = /^web_fetch_\d{8}$/;

/** Why a tool that runs at the provider is refused, by how its type begins. */
const REFUSED: readonly (readonly [begins: string, why: string])[] = [
  ["code_execution", "Code execution is billed by the hour, which no price here covers."],
  ["advisor", "An advisor is another model, whose use nothing bounds."],
  ["mcp_toolset", "Servers that the provider calls run the model again, without a bound."],
  ["tool_search", "Each search for tools runs the model again, and nothing bounds the searches."],
];

/** What decides what a tool costs. */
const TOOL_FIELDS = spellingsOf(["type", "max_uses", "input_schema"]);

/** Checks that every tool costs tokens alone, or is bounded by `max_uses`. */
export function readTools(tools: unknown): ServerToolUses | RequestFault {
  let [webSearchesMax, webFetchesMax] = [0, 0];
  if (!isPresent(tools)) return { kind: "uses", webSearchesMax, webFetchesMax };
  if (!Array.isArray(tools)) return fault("tools must be a list.", "tools");
  for (const [index, item] of (tools as readonly unknown[]).entries()) {
    const tool = objectOf(item);
    const param = `tools[${index}]`;
    if (tool === null) return fault("Each tool must be an object.", param);
    const misspelt = checkSpelling(tool, TOOL_FIELDS, `${param}.`);
    if (misspelt !== null) return misspelt;
    if (isClientTool(tool)) continue;
    const { type } = tool;
    const isSearch = typeof type === "string" && WEB_SEARCH.test(type);
    if (!isSearch && !(typeof type === "string" && WEB_FETCH.test(type))) {
      return fault(whyRefused(type), `${param}.type`);
    }
    const uses = readWhole(tool.max_uses, `${param}.max_uses`, USES_MAX);
    if (uses === null || isFault(uses)) {
      return fault(
        `Set max_uses of ${type} to a whole number from 1 to ${USES_MAX}: each use costs, and its ` +
          "results are read as input.",
        `${param}.max_uses`,
      );
    }
    if (isSearch) webSearchesMax += uses;
    else webFetchesMax += uses;
    const total = webSearchesMax + webFetchesMax;
    if (total > USES_MAX) {
      return fault(
        `The max_uses of all tools add up to ${total} or more: lower them to ${USES_MAX} together.`,
        `${param}.max_uses`,
      );
    }
  }
  return { kind: "uses", webSearchesMax, webFetchesMax };
}

/** Whether a tool runs at the client, so that it costs tokens alone. */
export function isClientTool(tool: JsonObject): boolean {
  const { type } = tool;
  if (!isPresent(type)) return objectOf(tool.input_schema) !== null;
  return type === "custom" || (typeof type === "string" && CLIENT_TOOL.test(type));
}

/** What a tool's hidden description takes at most, above what it says of itself. */
export function toolOverheadTokens(tool: JsonObject): number {
  const { type } = tool;
  if (typeof type !== "string" || type === "custom") return 0;
  // Documented: bash 245, text_editor 700, computer 735 and 499. A toolset is some 20 of them.
  return type.includes("toolset") ? 10_000 : 1_500;
}

function whyRefused(type: unknown): string {
  if (!isPresent(type)) {
    return 'Each tool must have an input_schema, or say its type, such as "custom".';
  }
  const known = typeof type === "string"
    ? REFUSED.find(([begins]) => type.startsWith(begins))
    : null;
  return known
    ? `${known[1]} Leave the tool out.`
    : `A tool of type ${JSON.stringify(String(type).slice(0, 40))} is not known here, so what it ` +
      "costs is not. Use custom tools, Anthropic's client tools, web_search or web_fetch.";
}
