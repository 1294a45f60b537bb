import type { CountedOutput } from "../answer_so_far.ts";
import type { JsonObject } from "../dialect.ts";
import { objectOf, textOf } from "../json_reading.ts";
import { createTextTokens } from "../text_tokens.ts";
import { createToolItems, textsOfItem, type ToolItems } from "./openai_responses_items.ts";

/** Deltas that are bytes in base64: something is delivered, but no text. */
const SOUND_DELTA = /^response\.(output_)?audio\.delta$/;

/** What an answer of the Responses API has delivered so far. */
export interface Output extends CountedOutput {
  /** Reads an event of the output; true if it delivers anything. */
  readEvent(event: JsonObject, type: string): boolean;
  /** Reads an item of a whole answer; true if it delivers anything. */
  readItem(item: JsonObject): boolean;
  /** The provider's own tools among the items. */
  readonly tools: ToolItems;
}

export function createOutput(): Output {
  const text = createTextTokens();
  const tools = createToolItems();
  /** Items whose text came bit by bit: what repeats it at their end is not counted again. */
  const counted = new Set<number | null>();

  function readEvent(event: JsonObject, type: string): boolean {
    if (type.endsWith(".delta")) {
      if (SOUND_DELTA.test(type)) return true;
      if (!count(event.delta)) return false;
      counted.add(indexOf(event));
      return true;
    }
    if (type === "response.image_generation_call.partial_image") return true;
    const item = objectOf(event.item);
    if (item === null) return false;
    if (type === "response.output_item.added") return count(item.name);
    if (type !== "response.output_item.done") return false;
    tools.add(item);
    return !counted.has(indexOf(event)) && countItem(item);
  }

  function readItem(item: JsonObject): boolean {
    tools.add(item);
    const named = count(item.name);
    return countItem(item) || named;
  }

  function count(value: unknown): boolean {
    if (typeof value !== "string" || value === "") return false;
    text.add(value);
    return true;
  }

  /** True if the item delivers anything: text, a call or an image. */
  function countItem(item: JsonObject): boolean {
    const texts = textsOfItem(item);
    texts.forEach(count);
    return texts.length > 0 || textOf(item.result) !== null;
  }

  return { readEvent, readItem, tools, estimate: text.estimate, upper: text.upper };
}

/** Which item of the output an event is about; `null` where it does not say. */
function indexOf(event: JsonObject): number | null {
  return typeof event.output_index === "number" ? event.output_index : null;
}
