/** From the bytes of a stream to what they say: server-sent events, and Farebox's comments. */
import { createParser } from "eventsource-parser";
import { isObject, type Json, parseJson, textOf } from "./failures.ts";
import type { ChatCost } from "./types.ts";

export type StreamItem =
  | { readonly type: "chunk"; readonly chunk: Json }
  /** `cost` is null where it was not known in time; `code` says why the answer ended early. */
  | { readonly type: "cost"; readonly cost: ChatCost | null; readonly code: string | null }
  /** `[DONE]` */
  | { readonly type: "done" };

const COMMENT = "farebox ";

export interface EventReader {
  /** Takes the next bytes, cut anywhere; returns what is now complete. */
  push(bytes: Uint8Array): StreamItem[];
  /** At the end of the stream: what no blank line has ended. */
  flush(): StreamItem[];
}

export function createEventReader(): EventReader {
  const decoder = new TextDecoder();
  let items: StreamItem[] = [];
  const parser = createParser({
    onEvent({ data }) {
      const chunk = data === "[DONE]" ? undefined : parseJson(data);
      if (chunk !== undefined) items.push({ type: "chunk", chunk });
      else if (data === "[DONE]") items.push({ type: "done" });
    },
    onComment(comment) {
      // `: farebox …`, whether or not the parser keeps the blank.
      const text = comment.trimStart();
      const facts = text.startsWith(COMMENT) ? parseJson(text.slice(COMMENT.length)) : undefined;
      if (facts !== undefined) {
        items.push({ type: "cost", cost: readCost(facts), code: textOf(facts.code) });
      }
    },
  });
  const feed = (text: string) => {
    items = [];
    parser.feed(text);
    return items;
  };
  return {
    push: (bytes) => feed(decoder.decode(bytes, { stream: true })),
    flush: () => feed(`${decoder.decode()}\n\n`),
  };
}

function readCost(facts: Json): ChatCost | null {
  const requestId = textOf(facts.request_id);
  const cost = textOf(facts.cost);
  if (requestId === null || cost === null) return null;
  return {
    request_id: requestId,
    cost,
    balance: textOf(facts.balance),
    tokens: isObject(facts.tokens) ? facts.tokens as unknown as ChatCost["tokens"] : null,
    basis: textOf(facts.basis),
    code: textOf(facts.code),
  };
}
