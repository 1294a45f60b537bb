import type { JsonObject } from "../dialect.ts";
import { arrayOf, objectOf, textOf } from "../json_reading.ts";
import type { EarlyEnd } from "../meter.ts";

/**
 * How an answer of the Responses API ends early in its own terms: the open items are closed, and
 * `response.incomplete` has all that was said so far, for a client may read nothing but that. So what
 * was said is kept, up to a cap. Past it the end has no `output`, and a client has what it gathered
 * itself from the events, as OpenAI's own SDK does.
 */

/** Text kept of one answer, in UTF-16 units: 64,000 tokens or so. */
const KEPT_MAX = 256 * 1024;
/** A `response` that is longer, by its prompt, is not repeated: only what names it is. */
const RESPONSE_LENGTH_MAX = 64 * 1024;
/** More items or parts than any answer has. */
const INDEX_MAX = 10_000;

const encoder = new TextEncoder();

/** Follows an answer, to be able to end it at any event. Must be shown every event, in order. */
export interface OpenAnswer {
  /** @param length of the event's data, which what is kept of it is taken for. */
  follow(event: JsonObject, length: number): void;
  /** The events that end the answer here. */
  end(): EarlyEnd;
}

/** A part of an item: text that is still growing, or not any more. */
interface Part {
  part: JsonObject;
  text: string;
  isDone: boolean;
}

interface Item {
  item: JsonObject;
  isDone: boolean;
  readonly content: Map<number, Part>;
  readonly summary: Map<number, Part>;
  /** Arguments or input of a call. */
  text: string;
}

export function createOpenAnswer(): OpenAnswer {
  const items = new Map<number, Item>();
  let response: JsonObject | null = null;
  let sequence = -1;
  let kept = 0;
  let isTooLong = false;

  function follow(event: JsonObject, length: number): void {
    const { type, sequence_number: number } = event;
    if (typeof number === "number" && Number.isSafeInteger(number)) sequence = number;
    if (OPENING_EVENTS.has(type)) {
      response = openingOf(objectOf(event.response), length) ?? response;
    } else if (!isTooLong) keep(event, length);
  }

  /** Keeps what an event adds to the output. */
  function keep(event: JsonObject, length: number): void {
    const { type } = event;
    const index = indexOf(event.output_index);
    if (index === null || typeof type !== "string") return;
    const item = items.get(index);
    const size = typeof event.delta === "string" ? event.delta.length : length;
    if (type === "response.output_item.added" || type === "response.output_item.done") {
      const found = objectOf(event.item);
      if (found === null) return;
      const isDone = type.endsWith("done");
      items.set(index, { item: found, isDone, content: new Map(), summary: new Map(), text: "" });
    } else if (item === undefined || item.isDone || !addTo(item, type, event)) return;
    kept += size;
    if (kept <= KEPT_MAX) return;
    isTooLong = true;
    items.clear();
  }

  function write(type: string, fields: JsonObject): string {
    const data = { type, sequence_number: ++sequence, ...fields };
    return `event: ${type}\ndata: ${JSON.stringify(data)}\n\n`;
  }

  function end(): EarlyEnd {
    let closing = "";
    if (response === null) {
      response = { ...NAMELESS };
      // SDKs take no other event for the first.
      closing += write("response.created", { response: { ...response, output: [] } });
    }
    const output: JsonObject[] = [];
    for (const [index, item] of [...items].toSorted(([a], [b]) => a - b)) {
      const closed = item.isDone ? item.item : closedItem(item);
      output.push(closed);
      if (!item.isDone) closing += closeItem(index, item, closed);
    }
    const { output: _, ...named } = response;
    const ended = {
      ...named,
      status: "incomplete",
      error: null,
      incomplete_details: { reason: "max_output_tokens" },
      ...(isTooLong ? {} : { output }),
      usage: null,
    };
    return {
      closing: encoder.encode(closing),
      terminal: encoder.encode(write("response.incomplete", { response: ended })),
    };
  }

  /** The events that close an item, as OpenAI sends them at a length limit. */
  function closeItem(index: number, item: Item, closed: JsonObject): string {
    const place = { item_id: item.item.id, output_index: index };
    let events = "";
    for (const [name, parts] of [["summary", item.summary], ["content", item.content]] as const) {
      for (const [at, part] of [...parts].toSorted(([a], [b]) => a - b)) {
        if (part.isDone) continue;
        const inPart = { ...place, [`${name}_index`]: at };
        const { textEvent, field, partEvent } = PART_EVENTS[name](part.part.type);
        const logprobs = field === "text" && textEvent.includes("output") ? { logprobs: [] } : {};
        events += write(textEvent, { ...inPart, [field]: part.text, ...logprobs });
        events += write(partEvent, { ...inPart, part: closedPart(part) });
      }
    }
    const call = CALLS.get(item.item.type);
    if (call !== undefined) {
      events += write(call.doneEvent, { ...place, [call.field]: item.text });
    } else if (!HAVE_PARTS.has(item.item.type)) return events; // Nothing is known of its end.
    return events + write("response.output_item.done", { output_index: index, item: closed });
  }

  return { follow, end };
}

const OPENING_EVENTS = new Set<unknown>([
  ...["response.created", "response.queued", "response.in_progress"],
]);

/** The answer of a stream that was cut before it had a name. */
const NAMELESS: JsonObject = {
  id: "resp_farebox",
  object: "response",
  created_at: 0,
  status: "in_progress",
  model: "",
};

const HAVE_PARTS = new Set<unknown>(["message", "reasoning"]);

/** Calls whose text comes bit by bit: where it is in the item, and the event that ends it. */
const CALLS: ReadonlyMap<unknown, { readonly field: string; readonly doneEvent: string }> = new Map(
  [
    ["function_call", { field: "arguments", doneEvent: "response.function_call_arguments.done" }],
    ["custom_tool_call", { field: "input", doneEvent: "response.custom_tool_call_input.done" }],
  ],
);

/** The events that end a part of an item, and the field that its text is in. */
const PART_EVENTS = {
  summary: () => ({
    textEvent: "response.reasoning_summary_text.done",
    field: "text",
    partEvent: "response.reasoning_summary_part.done",
  }),
  content: (type: unknown) => ({
    textEvent: type === "refusal"
      ? "response.refusal.done"
      : type === "reasoning_text"
      ? "response.reasoning_text.done"
      : "response.output_text.done",
    field: type === "refusal" ? "refusal" : "text",
    partEvent: "response.content_part.done",
  }),
} as const;

/** What is repeated of a response: all of it, or what names it where it is long. */
function openingOf(response: JsonObject | null, length: number): JsonObject | null {
  if (response === null || textOf(response.id) === null) return null;
  if (length <= RESPONSE_LENGTH_MAX) return response;
  const { id, object, created_at, model } = response;
  return { id, object, created_at, model };
}

function indexOf(value: unknown): number | null {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 &&
      value <= INDEX_MAX
    ? value
    : null;
}

/** Adds what an event says of an open item; false if that is nothing to keep. */
function addTo(item: Item, type: string, event: JsonObject): boolean {
  const parts = event.summary_index === undefined ? item.content : item.summary;
  const index = indexOf(event.summary_index ?? event.content_index);
  if (index === null) {
    if (!type.endsWith(".delta") || typeof event.delta !== "string") return false;
    item.text += event.delta;
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
  if (!type.endsWith(".delta") || typeof event.delta !== "string") return false;
  part.text += event.delta;
  return true;
}

/** The part that a delta belongs to, for the providers that do not announce their parts. */
function unannouncedPart(type: string): Part | null {
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

function closedPart(part: Part): JsonObject {
  if (part.isDone) return part.part;
  return { ...part.part, [part.part.type === "refusal" ? "refusal" : "text"]: part.text };
}

/** An open item as it is now. */
function closedItem({ item, content, summary, text }: Item): JsonObject {
  const call = CALLS.get(item.type);
  if (call !== undefined) return { ...item, [call.field]: text, status: "incomplete" };
  if (!HAVE_PARTS.has(item.type)) return item;
  const list = (parts: ReadonlyMap<number, Part>) =>
    [...parts].toSorted(([a], [b]) => a - b).map(([, part]) => closedPart(part));
  return {
    ...item,
    ...(item.status === undefined ? {} : { status: "incomplete" }),
    ...(content.size > 0 || item.content !== undefined ? { content: list(content) } : {}),
    ...(summary.size > 0 || item.summary !== undefined ? { summary: list(summary) } : {}),
  };
}
