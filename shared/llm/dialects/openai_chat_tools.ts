import type { RequestFault } from "../dialect.ts";
import { objectOf } from "../json_reading.ts";
import { fault, isPresent } from "./request_checks.ts";

/** What a tool of the client's own may say; anything else in it may be a provider's tool. */
const OWN_TOOL_FIELDS: ReadonlySet<string> = new Set([
  ...["type", "function", "custom", "strict", "name", "description", "parameters"],
  "cache_control", // As OpenRouter and Anthropic's models take it.
]);

/** Lets through tools that the client runs itself, and refuses those that the provider bills. */
export function checkTools(tools: unknown): RequestFault | null {
  if (!isPresent(tools)) return null;
  if (!Array.isArray(tools)) return fault("tools must be a list.", "tools");
  for (const [index, item] of tools.entries()) {
    const tool = objectOf(item);
    const param = `tools[${index}].type`;
    // Said, not guessed: a tool without a type is a provider's own under its name ({"google_search":{}}).
    if (tool === null || !isPresent(tool.type)) {
      return fault('Each tool must say its type: "function" or "custom".', param);
    }
    if (tool.type !== "function" && tool.type !== "custom") {
      return fault(
        "Only function and custom tools can be used: the provider bills its built-in tools per " +
          "call, which no price here covers.",
        param,
      );
    }
    const foreign = Object.keys(tool).find((name) => !OWN_TOOL_FIELDS.has(name));
    if (foreign !== undefined) {
      return fault(
        `A tool must not have the field ${
          JSON.stringify(foreign.slice(0, 40))
        }: it may be a tool ` +
          "that the provider runs and bills. Leave it out.",
        `tools[${index}]`,
      );
    }
  }
  return null;
}
