/** What a chunk of an answer says: text, thoughts, parts of tool calls, and how it ended. */
import { isObject, type Json, textOf } from "./failures.ts";
import type { ChatEvent, ToolCall } from "./types.ts";

export interface ChunkReader {
  /** The text and the thoughts of a chunk; or, of a whole answer, of its message. */
  read(chunk: Json): ChatEvent[];
  /** Those of the tool calls that came whole. */
  toolCalls(): ChatEvent[];
  /** The provider's word; null as long as there was none. */
  finishReason(): string | null;
}

export function createChunkReader(): ChunkReader {
  const calls = new Map<number, { id: string; name: string; arguments: string }>();
  let finish: string | null = null;

  function addCalls(parts: unknown): void {
    if (!Array.isArray(parts)) return;
    for (const part of parts.filter(isObject)) {
      // Some providers number nothing: an id begins a call.
      const last = Math.max(...calls.keys(), -1);
      const index = typeof part.index === "number"
        ? part.index
        : textOf(part.id) !== null || last === -1
        ? last + 1
        : last;
      const call = calls.get(index) ?? { id: "", name: "", arguments: "" };
      calls.set(index, call);
      const named = isObject(part.function) ? part.function : {};
      call.id ||= textOf(part.id) ?? "";
      call.name ||= textOf(named.name) ?? "";
      call.arguments += textOf(named.arguments) ?? "";
    }
  }

  return {
    read(chunk) {
      const choice = Array.isArray(chunk.choices) ? chunk.choices[0] : undefined;
      if (!isObject(choice)) return [];
      finish = textOf(choice.finish_reason) ?? finish;
      const delta = choice.delta ?? choice.message;
      if (!isObject(delta)) return [];
      addCalls(delta.tool_calls);
      const parts = partsOf(delta.content);
      return [
        ...said("reasoning", textOf(delta.reasoning_content) ?? textOf(delta.reasoning)),
        ...said("reasoning", parts.thoughts),
        ...said("text", parts.text),
        ...said("text", textOf(delta.refusal)),
      ];
    },
    toolCalls: () =>
      [...calls].sort(([a], [b]) => a - b)
        .map(([index, call]): ToolCall => ({ index, ...call }))
        .filter((call) => call.arguments === "" || isJson(call.arguments))
        .map((toolCall) => ({ type: "tool_call", toolCall })),
    finishReason: () => finish,
  };
}

/** Content is a string; Mistral's models that think give a list of parts. */
function partsOf(content: unknown): { text: string | null; thoughts: string | null } {
  if (!Array.isArray(content)) return { text: textOf(content), thoughts: null };
  let text = "";
  let thoughts = "";
  for (const part of content.filter(isObject)) {
    text += textOf(part.text) ?? "";
    thoughts += part.thinking === undefined ? "" : partsOf(part.thinking).text ?? "";
  }
  return { text, thoughts };
}

function said(type: "text" | "reasoning", text: string | null): ChatEvent[] {
  return text === null || text === "" ? [] : [{ type, text }];
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
