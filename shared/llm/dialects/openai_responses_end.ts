import type { JsonObject } from "../dialect.ts";
import { endOf, eventText } from "../event_text.ts";
import { objectOf, textOf } from "../json_reading.ts";
import type { EarlyEnd } from "../meter.ts";
import {
  addTo,
  CALLS,
  closedItem,
  closedPart,
  HAVE_PARTS,
  indexOf,
  type KeptItem,
  keptItem,
} from "./openai_responses_kept.ts";

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

/** Follows an answer, to be able to end it at any event. Must be shown every event, in order. */
export interface OpenAnswer {
  /** @param length of the event's data, which what is kept of it is taken for. */
  follow(event: JsonObject, length: number): void;
  /** The events that end the answer here. */
  end(): EarlyEnd;
}

export function createOpenAnswer(): OpenAnswer {
  const items = new Map<number, KeptItem>();
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
      items.set(index, keptItem(found, type.endsWith("done")));
    } else if (item === undefined || item.isDone || !addTo(item, type, event)) return;
    kept += size;
    if (kept <= KEPT_MAX) return;
    isTooLong = true;
    items.clear();
  }

  function write(type: string, fields: JsonObject): string {
    return eventText({ type, sequence_number: ++sequence, ...fields }, type);
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
    // OpenRouter sends `output_text` too, empty at the start; SDKs derive it from the output.
    const { output: _, output_text: __, ...named } = response;
    const ended = {
      ...named,
      status: "incomplete",
      error: null,
      incomplete_details: { reason: "max_output_tokens" },
      ...(isTooLong ? {} : { output }),
      usage: null,
    };
    return endOf(closing, write("response.incomplete", { response: ended }));
  }

  /** The events that close an item, as OpenAI sends them at a length limit. */
  function closeItem(index: number, item: KeptItem, closed: JsonObject): string {
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

/** Events that begin an answer, or tell that it goes on. */
export const OPENING_EVENTS: ReadonlySet<unknown> = new Set<unknown>([
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
  const { id, created_at, model } = response;
  return {
    ...NAMELESS,
    id,
    created_at: created_at ?? NAMELESS.created_at,
    model: model ?? NAMELESS.model,
  };
}
