import type { JsonObject, RequestFault } from "../dialect.ts";
import { arrayOf, objectOf } from "../json_reading.ts";
import { checkSpelling, spellingsOf } from "./field_spelling.ts";
import { fault, isPresent, readWhole } from "./request_checks.ts";

/** Tools that the client runs: they cost the provider nothing but tokens. */
const LOCAL_TOOLS = new Set<unknown>(["function", "custom", "local_shell", "apply_patch"]);

/** Searches by the provider, billed by the search. OpenAI has dated names of them too. */
const WEB_SEARCH = /^web_search(_preview)?(_\d{4}_\d{2}_\d{2})?$/;

/** Each search may read the whole context window again, and all of it is held beforehand. */
const WEB_SEARCHES_MAX = 100;

/** What decides what a tool costs. */
const TOOL_FIELDS = spellingsOf(["type", "tools", "environment", "execution"]);

/** What the tools of a request may do at the provider. */
export interface ToolUse {
  readonly kind: "tools";
  /** How often the provider may search; 0 where it may not. */
  readonly webSearchesMax: number;
}

/**
 * Checks the tools, wherever a request may have them: in `tools`, in a namespace, and in the items of
 * the input that bring further ones (`additional_tools`, `tool_search_output`). Refuses those that
 * the provider runs and bills by what no price here covers.
 */
export function readTools(body: JsonObject): ToolUse | RequestFault {
  if (isPresent(body.tools) && !Array.isArray(body.tools)) {
    return fault("tools must be a list.", "tools");
  }
  let searches = false;
  const lists: { tools: readonly unknown[]; param: string }[] = [
    { tools: arrayOf(body.tools), param: "tools" },
    ...arrayOf(body.input).map((item, index) => ({
      tools: arrayOf(objectOf(item)?.tools),
      param: `input[${index}].tools`,
    })),
  ];
  // The list grows while it is walked: a namespace is a list of its own, and can only hold fewer.
  for (const { tools, param } of lists) {
    for (const [index, item] of tools.entries()) {
      const tool = objectOf(item);
      const at = `${param}[${index}]`;
      const misspelt = checkSpelling(tool, TOOL_FIELDS, `${at}.`);
      if (misspelt !== null) return misspelt;
      if (tool?.type === "namespace") {
        lists.push({ tools: arrayOf(tool.tools), param: `${at}.tools` });
      } else if (typeof tool?.type === "string" && WEB_SEARCH.test(tool.type)) {
        searches = true;
      } else {
        const why = whyNot(tool);
        if (why !== null) return fault(why, `${at}.type`);
      }
    }
  }
  return searches ? readSearchLimit(body) : { kind: "tools", webSearchesMax: 0 };
}

/** Why a tool cannot be metered, and what to do; `null` where it costs nothing but tokens. */
function whyNot(tool: JsonObject | null): string | null {
  const type = tool?.type;
  if (tool === null || typeof type !== "string") {
    return 'Each tool must say its type, such as "function" or "custom".';
  }
  if (LOCAL_TOOLS.has(type)) return null;
  if (type === "shell") {
    return objectOf(tool.environment)?.type === "local"
      ? null
      : "The provider bills its containers by time, which no price here covers. Set the shell's " +
        'environment to {"type": "local"} and run the commands yourself.';
  }
  if (type === "tool_search") {
    return tool.execution === "client"
      ? null
      : "A search for tools at the provider reads the prompt again, as often as it likes, so it " +
        'cannot be bounded. Set execution to "client" and search yourself.';
  }
  return `A tool of type ${JSON.stringify(type.slice(0, 40))} cannot be used: the provider bills ` +
    "what it runs itself by prices that are not known here. Use function or custom tools, or " +
    "web_search with max_tool_calls.";
}

function readSearchLimit(body: JsonObject): ToolUse | RequestFault {
  const limit = readWhole(body.max_tool_calls, "max_tool_calls", WEB_SEARCHES_MAX);
  if (limit === null) {
    return fault(
      "Each web search is billed. Set max_tool_calls to how many there may be at most, such as 3.",
      "max_tool_calls",
    );
  }
  return typeof limit === "number" ? { kind: "tools", webSearchesMax: limit } : limit;
}
