import type { RequestFault } from "../dialect.ts";
import { fieldsOf, listOf } from "./gemini_fields.ts";
import { fault } from "./request_checks.ts";

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

/** Lets through tools that the client runs itself, and refuses those that the provider bills. */
export function checkTools(tools: unknown): RequestFault | null {
  for (const [index, item] of listOf(tools).entries()) {
    const tool = fieldsOf(item);
    if (tool === null) {
      return fault("Each tool must be an object.", `tools[${index}]`);
    }
    const name = Object.keys(tool).find((name) => name !== "functionDeclarations");
    if (name === undefined) continue;
    const why = Object.hasOwn(BUILT_IN_TOOLS, name)
      ? BUILT_IN_TOOLS[name]
      : "What this tool costs is not known";
    return fault(
      `${why}. Only functionDeclarations can be used.`,
      `tools[${index}].${name.slice(0, 40)}`,
    );
  }
  return null;
}
