import type { CountedOutput } from "../answer_so_far.ts";
import type { JsonObject } from "../dialect.ts";
import { arrayOf, objectOf, textOf } from "../json_reading.ts";
import { createTextTokens } from "../text_tokens.ts";

/** What an answer of Chat Completions has delivered so far. */
export interface Output extends CountedOutput {
  /** Takes a delta or a message; true if it delivers anything. */
  read(message: JsonObject | null): boolean;
  /** True once the answer has said its role. */
  hasRole(): boolean;
  /** True once it cites a page: it was searched for, though some providers do not count how often. */
  isCited(): boolean;
  /** True once it tells of tools that the provider ran by itself, as Groq's Compound does. */
  ranTools(): boolean;
}

export function createOutput(): Output {
  const text = createTextTokens();
  let hasRole = false;
  let isCited = false;
  let ranTools = false;
  let delivered = false;

  function count(value: unknown): void {
    if (typeof value !== "string" || value === "") return;
    text.add(value);
    delivered = true;
  }

  function read(message: JsonObject | null): boolean {
    if (message === null) return false;
    delivered = false;
    if (textOf(message.role) !== null) hasRole = true;
    if (Array.isArray(message.content)) message.content.forEach(countPart);
    else count(message.content);
    count(message.refusal);
    countReasoning(message);
    for (const item of [...arrayOf(message.tool_calls), message.function_call]) countCall(item);
    if (arrayOf(message.images).length > 0) delivered = true;
    const audio = objectOf(message.audio);
    if (audio !== null) {
      count(audio.transcript);
      delivered = true;
    }
    isCited ||= arrayOf(message.annotations).some((item) =>
      objectOf(item)?.type === "url_citation"
    );
    if (arrayOf(message.executed_tools).length > 0) ranTools = true;
    return delivered;
  }

  /** A content part: text, or Mistral's thinking, which holds text parts itself. */
  function countPart(item: unknown): void {
    const part = objectOf(item);
    if (part === null) return count(item);
    count(part.text);
    count(part.refusal);
    if (part.type === "image_url" || part.type === "output_audio") delivered = true;
    for (const thought of arrayOf(part.thinking)) count(objectOf(thought)?.text);
  }

  /** One of them: OpenRouter and others send the same reasoning under two or three names. */
  function countReasoning(message: JsonObject): void {
    const plain = textOf(message.reasoning_content) ?? textOf(message.reasoning) ??
      textOf(message.reasoning_text); // Copilot
    if (plain !== null) return count(plain);
    for (const item of arrayOf(message.reasoning_details)) {
      count(objectOf(item)?.text ?? objectOf(item)?.summary);
    }
  }

  function countCall(item: unknown): void {
    const call = objectOf(item);
    if (call === null) return;
    const named = objectOf(call.function) ?? objectOf(call.custom) ?? call;
    count(named.name);
    count(named.arguments ?? named.input);
  }

  return {
    read,
    estimate: text.estimate,
    upper: text.upper,
    hasRole: () => hasRole,
    isCited: () => isCited,
    ranTools: () => ranTools,
  };
}
