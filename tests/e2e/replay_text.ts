/** The words in a part of a stream, found without the code that is being tested. */
import type { DialectName } from "../../shared/llm/dialect.ts";

// deno-lint-ignore no-explicit-any -- Whatever a provider sent; a path that is not there is undefined.
type Json = any;

/** The whole events in the bytes: what ends with a blank line. */
export function wholeEvents(bytes: Uint8Array): Uint8Array {
  for (let end = bytes.length; end > 0; end--) {
    const [last, before, third] = [bytes[end - 1], bytes[end - 2], bytes[end - 3]];
    if (last === 10 && (before === 10 || (before === 13 && third === 10))) {
      return bytes.subarray(0, end);
    }
  }
  return bytes.subarray(0, 0);
}

/** All that a model said, thought or called in these events. */
export function textOf(dialect: DialectName, events: Uint8Array): string {
  return eventsOf(events).flatMap((event) => WORDS[dialect](event))
    .filter((word) => typeof word === "string").join("");
}

/** What Claude writes around its words: 40 tokens for a call, 10 for a citation. */
export function markupTokens(dialect: DialectName, events: Uint8Array): number {
  if (dialect !== "anthropic-messages") return 0;
  return eventsOf(events).reduce((sum, event) => {
    const isCall = String(event.content_block?.type).endsWith("tool_use");
    return sum + (isCall ? 40 : 0) + (event.delta?.type === "citations_delta" ? 10 : 0);
  }, 0);
}

function eventsOf(events: Uint8Array): Json[] {
  const lines = new TextDecoder().decode(events).split(/\r?\n/)
    .filter((line) => line.startsWith("data:")).map((line) => line.slice("data:".length).trim());
  return lines.flatMap((line) => {
    try {
      return [JSON.parse(line)];
    } catch {
      return [];
    }
  });
}

const WORDS: Readonly<Record<DialectName, (event: Json) => unknown[]>> = {
  "openai-chat": (event) =>
    (event.choices ?? []).flatMap(({ delta }: Json) => [
      ...[delta?.reasoning ?? delta?.reasoning_content ?? delta?.thinking, delta?.refusal],
      ...partsOf(delta?.content),
      ...(delta?.tool_calls ?? []).flatMap((call: Json) => [
        call.function?.name,
        asText(call.function?.arguments),
      ]),
    ]),
  "openai-responses": (event) =>
    String(event.type).endsWith(".delta")
      ? [asText(event.delta)]
      : event.type === "response.output_item.added"
      ? [event.item?.name]
      : event.type === "response.output_item.done" && event.item?.type === "tool_search_call"
      ? [asText(event.item.arguments)]
      : [],
  "anthropic-messages": (event) => [
    ...[event.delta?.text, event.delta?.thinking, event.delta?.partial_json],
    ...[event.delta?.type === "compaction_delta" ? event.delta.content : undefined],
    ...[event.content_block?.text, event.content_block?.thinking, event.content_block?.name],
  ],
  gemini: (event) =>
    (event.candidates ?? []).flatMap(({ content }: Json) =>
      (content?.parts ?? []).flatMap((part: Json) => [
        part.text,
        ...(part.functionCall ? [part.functionCall.name, asText(part.functionCall.args)] : []),
        part.executableCode?.code,
      ])
    ),
};

function partsOf(content: Json): unknown[] {
  if (!Array.isArray(content)) return [content];
  return content.flatMap((part) => [part.text, ...partsOf(part.thinking)]);
}

function asText(value: Json): string | undefined {
  return typeof value === "object" && value !== null ? JSON.stringify(value) : value;
}
