import type { JsonObject } from "../dialect.ts";
import { objectOf } from "../json_reading.ts";

/**
 * Reads what the model wrote into a block of an answer, or into one that begins. Results of tools
 * that ran at the provider are none of it: they are input, or another model's output.
 *
 * @param count takes each text that is billed as output.
 * @returns true if the block delivers anything, countable or not.
 */
export function readBlock(block: JsonObject, count: (text: string) => void): boolean {
  const { type } = block;
  if (typeof type === "string" && type.endsWith("_tool_result")) return false;
  const texts = [block.text, block.thinking];
  if (type === "compaction") texts.push(block.content);
  if (typeof type === "string" && type.endsWith("tool_use")) {
    texts.push(block.name);
    const input = objectOf(block.input);
    // In a stream it begins empty, and comes as JSON in pieces.
    if (input !== null && Object.keys(input).length > 0) texts.push(JSON.stringify(input));
  }
  const delivered = countAll(texts, count);
  // Encrypted: its bytes do not tell its tokens. Requests that think are drained for the report.
  return delivered || type === "redacted_thinking";
}

/** Reads what a delta adds to its block. Citations and signatures are no output tokens. */
export function readDelta(delta: JsonObject, count: (text: string) => void): boolean {
  const texts = [delta.text, delta.thinking, delta.partial_json];
  if (delta.type === "compaction_delta") texts.push(delta.content);
  return countAll(texts, count);
}

function countAll(texts: readonly unknown[], count: (text: string) => void): boolean {
  let delivered = false;
  for (const text of texts) {
    if (typeof text !== "string" || text === "") continue;
    count(text);
    delivered = true;
  }
  return delivered;
}
