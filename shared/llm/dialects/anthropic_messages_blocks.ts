import type { JsonObject } from "../dialect.ts";
import { arrayOf, objectOf } from "../json_reading.ts";
import type { Output } from "./anthropic_messages_output.ts";

/**
 * Reads what the model wrote into a block of an answer, or into one that begins. Results of tools
 * that ran at the provider are none of it: they are input, or another model's output.
 *
 * @returns true if the block delivers anything, countable or not.
 */
export function readBlock(block: JsonObject, output: Output): boolean {
  const { type } = block;
  if (typeof type === "string" && type.endsWith("_tool_result")) return false;
  const isCall = typeof type === "string" && type.endsWith("tool_use");
  // Code that the model wrote made this call: what it wrote is that code.
  if (isCall && isCalledFromCode(block)) return true;
  const texts = [block.text, block.thinking];
  if (type === "compaction") texts.push(block.content);
  if (isCall) {
    output.call();
    texts.push(block.name);
    const input = objectOf(block.input);
    // In a stream it begins empty, and comes as JSON in pieces.
    if (input !== null && Object.keys(input).length > 0) texts.push(JSON.stringify(input));
  }
  output.citations(arrayOf(block.citations).length);
  const isDelivered = countAll(texts, output);
  // Encrypted: its bytes do not tell its tokens. Requests that think are drained for the report.
  return isDelivered || isCall || type === "redacted_thinking";
}

/** Reads what a delta adds to its block. Signatures are no output tokens, nor is what is cited. */
export function readDelta(delta: JsonObject, output: Output): boolean {
  if (delta.type === "citations_delta") output.citations(1);
  const texts = [delta.text, delta.thinking, delta.partial_json];
  if (delta.type === "compaction_delta") texts.push(delta.content);
  return countAll(texts, output);
}

function isCalledFromCode(block: JsonObject): boolean {
  const caller = objectOf(block.caller)?.type;
  return typeof caller === "string" && caller.startsWith("code_execution");
}

function countAll(texts: readonly unknown[], output: Output): boolean {
  let isDelivered = false;
  for (const text of texts) {
    if (typeof text !== "string" || text === "") continue;
    output.text(text);
    isDelivered = true;
  }
  return isDelivered;
}
