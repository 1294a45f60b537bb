import type { JsonObject } from "../dialect.ts";
import { arrayOf, objectOf, textOf } from "../json_reading.ts";

/** The items of an answer as its events build them up, kept so that it can be ended at any of them. */

/** A part of an item: text that is still growing, or not any more. */
export interface KeptPart {
  part: JsonObject;
  text: string;
  isDone: boolean;
}

/** An item of the output: as it was announced, and what came since. */
export interface KeptItem {
  item: JsonObject;
  isDone: boolean;
  readonly content: Map<number, KeptPart>;
  readonly summary: Map<number, KeptPart>;
  /** Arguments or input of a call. */
  text: string;
}

/** An item as an event shows it. */
export function keptItem(item: JsonObject, isDone: boolean): KeptItem {
  return { item, isDone, content: new Map(), summary: new Map(), text: "" };
}

/** More items or parts than any answer has. */
const INDEX_MAX = 10_000;

/** Items whose text comes in parts. */
export const HAVE_PARTS = new Set<unknown>(["message", "reasoning"]);

/** Calls whose text comes bit by bit: where it is in the item, and the event that ends it. */
export const CALLS: ReadonlyMap<unknown, { readonly field: string; readonly doneEvent: string }> =
  new Map(
    [
      ["function_call", { field: "arguments", doneEvent: "response.function_call_arguments.done" }],
      ["custom_tool_call", { field: "input", doneEvent: "response.custom_tool_call_input.done" }],
    ],
  );

/** A place in a list; `null` for what cannot be one. */
export function indexOf(value: unknown): number | null {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 &&
      value <= INDEX_MAX
    ? value
    : null;
}

/** Adds what an event says of an open item; false if that is nothing to keep. */
export function addTo(item: KeptItem, type: string, event: JsonObject): boolean {
  const parts = event.summary_index === undefined ? item.content : item.summary;
  const index = indexOf(event.summary_index ?? event.content_index);
  if (index === null) {
    const text = grown(item.text, type, event);
    if (text === null) return false;
    item.text = text;
    return true;
  }
  if (type.endsWith("_part.added") || type.endsWith("_part.done")) {
    const found = objectOf(event.part);
    if (found === null) return false;
    parts.set(index, { part: found, text: textIn(found), isDone: type.endsWith("done") });
    return true;
  }
  const part = parts.get(index) ?? unannouncedPart(type);
  if (part === null || part.isDone) return false;
  parts.set(index, part);
  if (type.endsWith("annotation.added")) {
    const annotations = [...arrayOf(part.part.annotations), event.annotation];
    part.part = { ...part.part, annotations };
    return true;
  }
  const text = grown(part.text, type, event);
  if (text === null) return false;
  part.text = text;
  return true;
}

/** A text after an event: longer by a delta, or as its end says it; `null` if it says nothing. */
function grown(text: string, type: string, event: JsonObject): string | null {
  if (type.endsWith(".delta")) return typeof event.delta === "string" ? text + event.delta : null;
  if (!type.endsWith(".done")) return null;
  return textOf(event.text) ?? textOf(event.refusal) ?? textOf(event.arguments) ??
    textOf(event.input);
}

/** The part that a delta belongs to, for the providers that do not announce their parts. */
function unannouncedPart(type: string): KeptPart | null {
  const name = /^response\.(output_text|refusal|reasoning_text|reasoning_summary_text)\./.exec(
    type,
  );
  if (name === null) return null;
  const part = name[1] === "reasoning_summary_text"
    ? { type: "summary_text" }
    : { type: name[1], ...(name[1] === "output_text" && { annotations: [] }) };
  return { part, text: "", isDone: false };
}

function textIn(part: JsonObject): string {
  return textOf(part.text) ?? textOf(part.refusal) ?? "";
}

/** A part as it is now. */
export function closedPart(part: KeptPart): JsonObject {
  if (part.isDone) return part.part;
  return { ...part.part, [part.part.type === "refusal" ? "refusal" : "text"]: part.text };
}

/** An open item as it is now. */
export function closedItem({ item, content, summary, text }: KeptItem): JsonObject {
  const call = CALLS.get(item.type);
  if (call !== undefined) return { ...item, [call.field]: text, status: "incomplete" };
  if (!HAVE_PARTS.has(item.type)) return item;
  const list = (parts: ReadonlyMap<number, KeptPart>) =>
    [...parts].toSorted(([a], [b]) => a - b).map(([, part]) => closedPart(part));
  return {
    ...item,
    ...(item.status === undefined ? {} : { status: "incomplete" }),
    ...(content.size > 0 || item.content !== undefined ? { content: list(content) } : {}),
    ...(summary.size > 0 || item.summary !== undefined ? { summary: list(summary) } : {}),
  };
}
