import type { JsonObject } from "../dialect.ts";
import { arrayOf, objectOf } from "../json_reading.ts";
import { CALLS_MAX } from "./openai_responses_usage.ts";

/** Items of an answer that are calls of a tool which the provider runs and bills. */
const UNPRICED_ITEMS = new Set<unknown>([
  ...["code_interpreter_call", "file_search_call", "image_generation_call", "x_search_call"],
]);

/** Counts the tools in an answer's items, for the providers and the ends that come without a count. */
export interface ToolItems {
  add(item: JsonObject): void;
  webSearches(): number;
  hasUnpriced(): boolean;
}

export function createToolItems(): ToolItems {
  let webSearches = 0;
  let hasUnpriced = false;
  return {
    add(item) {
      if (UNPRICED_ITEMS.has(item.type)) hasUnpriced = true;
      if (item.type !== "web_search_call") return;
      // Opening a page that was found, and finding in it, are calls too, but no searches.
      const action = objectOf(item.action)?.type ?? "search";
      if (action === "search" && webSearches < CALLS_MAX) webSearches++;
    },
    webSearches: () => webSearches,
    hasUnpriced: () => hasUnpriced,
  };
}

/** The text that an item of an answer says: what a model wrote, not what a tool gave back. */
export function textsOfItem(item: JsonObject): readonly string[] {
  const parts = [...arrayOf(item.content), ...arrayOf(item.summary)].map(objectOf);
  return [
    ...parts.flatMap((part) => [part?.text, part?.refusal, part?.transcript]),
    ...[item.arguments, item.input, item.code, item.operation].map(asText),
    ...(LOCAL_CALLS.has(item.type) ? [asText(item.action)] : []),
  ].filter((text): text is string => typeof text === "string" && text !== "");
}

/** Calls whose `action` the model wrote; that of a search also holds what was found. */
const LOCAL_CALLS = new Set<unknown>(["local_shell_call", "shell_call", "computer_call"]);

function asText(value: unknown): unknown {
  return typeof value === "object" && value !== null ? JSON.stringify(value) : value;
}
