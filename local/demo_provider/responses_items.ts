/** The items of a response: reasoning, a message, a call of a function, a search. */
import type { Piece } from "./decide_answer.ts";
import { randomHex, randomText } from "./random_text.ts";

export interface ResponseEvent {
  readonly type: string;
  readonly [field: string]: unknown;
}

const PREFIXES = { reasoning: "rs", text: "msg", arguments: "fc" } as const;

/** What of an item is not in its words. */
interface ItemOptions {
  /** The function that is called; empty for none. */
  readonly tool: string;
  /** True where what was thought is shown. */
  readonly isSummarised: boolean;
  /** xAI gives what was thought a status, as all else has. */
  readonly provider: string;
}

/** One item while it is streamed. */
export class ResponseItem {
  readonly kind: Piece["kind"];
  readonly #index: number;
  readonly #id: string;
  readonly #callId = `call_${randomText(24)}`;
  readonly #tool: string;
  readonly #isSummarised: boolean;
  readonly #hasReasoningStatus: boolean;
  #text = "";
  #status: "in_progress" | "completed" | "incomplete" = "in_progress";

  constructor(
    kind: Piece["kind"],
    index: number,
    { tool, isSummarised, provider }: ItemOptions,
  ) {
    this.kind = kind;
    this.#index = index;
    this.#id = `${PREFIXES[kind]}_${randomHex(50)}`;
    this.#tool = tool;
    this.#isSummarised = isSummarised;
    this.#hasReasoningStatus = provider === "xai";
  }

  open(): ResponseEvent[] {
    const added = {
      type: "response.output_item.added",
      item: this.value(),
      output_index: this.#index,
    };
    switch (this.kind) {
      case "text":
        return [added, this.#part("response.content_part.added", "")];
      case "reasoning":
        return this.#isSummarised
          ? [added, this.#summary("response.reasoning_summary_part.added", { part: summary("") })]
          : [added];
      case "arguments":
        return [added];
    }
  }

  /** @param isPadded OpenAI pads its deltas so that their sizes do not give the words away. */
  add(text: string, isPadded: boolean): ResponseEvent[] {
    this.#text += text;
    const delta = {
      delta: text,
      ...(isPadded ? { obfuscation: randomText(1 + Math.floor(Math.random() * 14)) } : {}),
    };
    switch (this.kind) {
      case "text":
        return [{
          type: "response.output_text.delta",
          content_index: 0,
          ...this.#where(),
          logprobs: [],
          ...delta,
        }];
      case "reasoning":
        return [this.#summary("response.reasoning_summary_text.delta", { delta: text })];
      case "arguments":
        return [{ type: "response.function_call_arguments.delta", ...this.#where(), ...delta }];
    }
  }

  close(isCut: boolean): ResponseEvent[] {
    this.#status = isCut ? "incomplete" : "completed";
    const text = this.#text;
    const done = {
      type: "response.output_item.done",
      item: this.value(),
      output_index: this.#index,
    };
    switch (this.kind) {
      case "text":
        return [
          {
            type: "response.output_text.done",
            content_index: 0,
            ...this.#where(),
            logprobs: [],
            text,
          },
          this.#part("response.content_part.done", text),
          done,
        ];
      case "reasoning":
        return this.#isSummarised
          ? [
            this.#summary("response.reasoning_summary_text.done", { text }),
            this.#summary("response.reasoning_summary_part.done", { part: summary(text) }),
            done,
          ]
          : [done];
      case "arguments":
        return [
          {
            type: "response.function_call_arguments.done",
            ...this.#where(),
            arguments: text,
          },
          done,
        ];
    }
  }

  /** The item as it stands. */
  value(): unknown {
    const id = this.#id;
    const status = this.#status;
    const isOpen = status === "in_progress";
    switch (this.kind) {
      case "text":
        return {
          id,
          type: "message",
          status,
          content: isOpen ? [] : [outputText(this.#text)],
          role: "assistant",
        };
      case "reasoning":
        return {
          id,
          type: "reasoning",
          summary: this.#text === "" ? [] : [summary(this.#text)],
          ...(this.#hasReasoningStatus ? { status } : {}),
        };
      case "arguments":
        return {
          id,
          type: "function_call",
          status,
          arguments: this.#text,
          call_id: this.#callId,
          name: this.#tool,
        };
    }
  }

  #where() {
    return { item_id: this.#id, output_index: this.#index };
  }

  #part(type: string, text: string): ResponseEvent {
    return { type, content_index: 0, ...this.#where(), part: outputText(text) };
  }

  #summary(type: string, more: object): ResponseEvent {
    return { type, ...this.#where(), summary_index: 0, ...more };
  }
}

/** A search that the provider ran itself, from its first event to its last. */
export function searchItem(
  index: number,
): { readonly events: ResponseEvent[]; readonly item: unknown } {
  const id = `ws_${randomHex(50)}`;
  const item = {
    id,
    type: "web_search_call",
    status: "completed",
    action: { type: "search", query: "the demo provider", sources: [] },
  };
  const phases = ["in_progress", "searching", "completed"].map((phase) => ({
    type: `response.web_search_call.${phase}`,
    item_id: id,
    output_index: index,
  }));
  return {
    events: [
      {
        type: "response.output_item.added",
        item: { id, type: "web_search_call", status: "in_progress" },
        output_index: index,
      },
      ...phases,
      { type: "response.output_item.done", item, output_index: index },
    ],
    item,
  };
}

function outputText(text: string): unknown {
  return { type: "output_text", annotations: [], logprobs: [], text };
}

function summary(text: string): unknown {
  return { type: "summary_text", text };
}
