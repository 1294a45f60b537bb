/**
 * From the bytes of a stream to what they say: server-sent events, and Farebox's comments. Only what an
 * answer has is read, `data` and comments: the whole of the format would be a quarter of the client.
 */
import { isObject, type Json, parseJson, textOf } from "./failures.ts";
import type { ChatCost } from "./types.ts";

export type StreamItem =
  | { readonly type: "chunk"; readonly chunk: Json }
  /** `cost` is null where it was not known in time; `code` says why the answer ended early. */
  | { readonly type: "cost"; readonly cost: ChatCost | null; readonly code: string | null }
  /** `[DONE]` */
  | { readonly type: "done" };

const COMMENT = ": farebox ";

export interface EventReader {
  /** Takes the next bytes, cut anywhere; returns what is now complete. */
  push(bytes: Uint8Array): StreamItem[];
  /** At the end of the stream: what no blank line has ended. */
  flush(): StreamItem[];
}

/** Of a CR at the end nobody knows yet whether an LF belongs to it: it waits. */
const LINE_END = /\r\n|\n|\r(?!$)/;

export function createEventReader(): EventReader {
  const decoder = new TextDecoder();
  /** The start of a line whose end is still to come. */
  let begun = "";
  let data: string[] = [];

  function itemOf(line: string): StreamItem | null {
    if (line === "") {
      const whole = data.join("\n");
      data = [];
      if (whole === "[DONE]") return { type: "done" };
      const chunk = parseJson(whole);
      return chunk === undefined ? null : { type: "chunk", chunk };
    }
    if (line.startsWith("data:")) data.push(line.slice(5).replace(/^ /, ""));
    const comment = line.startsWith(COMMENT) && parseJson(line.slice(COMMENT.length));
    return comment ? { type: "cost", cost: readCost(comment), code: textOf(comment.code) } : null;
  }

  function feed(text: string): StreamItem[] {
    const lines = (begun + text).split(LINE_END);
    begun = lines.pop() ?? "";
    return lines.map(itemOf).filter((item) => item !== null);
  }

  return {
    push: (bytes) => feed(decoder.decode(bytes, { stream: true })),
    flush: () => feed(`${decoder.decode()}\n\n`),
  };
}

function readCost(facts: Json): ChatCost | null {
  const requestId = textOf(facts.request_id);
  const cost = textOf(facts.cost);
  const collected = textOf(facts.collected);
  if (requestId === null || cost === null) return null;
  return {
    request_id: requestId,
    cost,
    ...(collected !== null && { collected }),
    balance: textOf(facts.balance),
    tokens: isObject(facts.tokens) ? facts.tokens as unknown as ChatCost["tokens"] : null,
    basis: textOf(facts.basis),
    code: textOf(facts.code),
  };
}
