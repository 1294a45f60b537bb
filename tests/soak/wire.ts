/** What the chaos upstream says, in two dialects: the true wire format, cut into events. */

export type WireDialect = "openai" | "anthropic";

export interface Answer {
  readonly id: string;
  readonly model: string;
  readonly promptTokens: number;
  /** One word a token. */
  readonly words: readonly string[];
  readonly finish: "stop" | "length";
  readonly hasUsage: boolean;
  readonly hasTerminal: boolean;
  /** An error frame after so many tokens, and nothing then. */
  readonly errorAfter: number | null;
}

/** One event, and what has been delivered once it is through. */
export interface WireEvent {
  readonly text: string;
  readonly tokens: number;
  readonly tellsUsage: boolean;
}

const WORDS = "fare tram line night early stop river bridge ticket window seat bell".split(" ");

/** A word and its space are a token: so many characters, on average. */
export const CHARACTERS_PER_TOKEN = WORDS.join(" ").length / WORDS.length;

/** So many words. */
export function wordsOf(count: number): string[] {
  return Array.from({ length: count }, (_, i) => wordAt(i));
}

/** How many of `wordsOf` so many characters begin with. */
export function tokensOf(characters: number): number {
  let tokens = 0;
  for (let left = characters; left > 0; tokens++) left -= wordAt(tokens).length;
  return tokens;
}

/** Whether this text stands at that place of what is said. */
export function isSaid(text: string, atCharacter: number): boolean {
  const cycle = wordsOf(WORDS.length).join("");
  const start = atCharacter % cycle.length;
  return cycle.repeat(Math.ceil((start + text.length) / cycle.length) || 1)
    .startsWith(text, start);
}

const wordAt = (index: number) => `${WORDS[(index * 7) % WORDS.length]} `;

const chunk = (data: unknown) => `data: ${JSON.stringify(data)}\n\n`;
const named = (type: string, data: object) =>
  `event: ${type}\ndata: ${JSON.stringify({ type, ...data })}\n\n`;

/** The stream's events. */
export function eventsOf(dialect: WireDialect, answer: Answer): WireEvent[] {
  return dialect === "openai" ? openAiEvents(answer) : anthropicEvents(answer);
}

function openAiEvents(answer: Answer): WireEvent[] {
  const base = { id: answer.id, object: "chat.completion.chunk", created: 1, model: answer.model };
  const events: WireEvent[] = [];
  const add = (data: unknown, tokens: number, tellsUsage = false) =>
    events.push({ text: chunk(data), tokens, tellsUsage });
  const choice = (delta: object, finish: string | null = null) => ({
    ...base,
    choices: [{ index: 0, delta, logprobs: null, finish_reason: finish }],
    usage: null,
  });
  add(choice({ role: "assistant", content: "" }), 0);
  for (const [i, word] of answer.words.entries()) {
    if (answer.errorAfter === i) {
      add({ error: { message: "The server had an error", type: "server_error", code: null } }, i);
      return events;
    }
    add(choice({ content: word }), i + 1);
  }
  const count = answer.words.length;
  add(choice({}, answer.finish), count);
  if (answer.hasUsage) {
    const usage = {
      prompt_tokens: answer.promptTokens,
      completion_tokens: count,
      total_tokens: answer.promptTokens + count,
    };
    add({ ...base, choices: [], usage }, count, true);
  }
  if (answer.hasTerminal) {
    events.push({ text: "data: [DONE]\n\n", tokens: count, tellsUsage: answer.hasUsage });
  }
  return events;
}

function anthropicEvents(answer: Answer): WireEvent[] {
  const events: WireEvent[] = [];
  const add = (type: string, data: object, tokens: number, tellsUsage = false) =>
    events.push({ text: named(type, data), tokens, tellsUsage });
  add("message_start", {
    message: {
      id: answer.id,
      type: "message",
      role: "assistant",
      model: answer.model,
      content: [],
      stop_reason: null,
      stop_sequence: null,
      ...(answer.hasUsage && { usage: { input_tokens: answer.promptTokens, output_tokens: 1 } }),
    },
  }, 0);
  add("content_block_start", { index: 0, content_block: { type: "text", text: "" } }, 0);
  for (const [i, text] of answer.words.entries()) {
    if (answer.errorAfter === i) {
      add("error", { error: { type: "overloaded_error", message: "Overloaded" } }, i);
      return events;
    }
    add("content_block_delta", { index: 0, delta: { type: "text_delta", text } }, i + 1);
  }
  const count = answer.words.length;
  add("content_block_stop", { index: 0 }, count);
  add(
    "message_delta",
    {
      delta: {
        stop_reason: answer.finish === "stop" ? "end_turn" : "max_tokens",
        stop_sequence: null,
      },
      ...(answer.hasUsage && { usage: { output_tokens: count } }),
    },
    count,
    answer.hasUsage,
  );
  if (answer.hasTerminal) add("message_stop", {}, count, answer.hasUsage);
  return events;
}

/** The same answer whole. */
export function wholeOf(dialect: WireDialect, answer: Answer): string {
  const text = answer.words.join("");
  const count = answer.words.length;
  if (dialect === "openai") {
    return JSON.stringify({
      id: answer.id,
      object: "chat.completion",
      created: 1,
      model: answer.model,
      choices: [{
        index: 0,
        message: { role: "assistant", content: text },
        finish_reason: answer.finish,
      }],
      ...(answer.hasUsage && {
        usage: {
          prompt_tokens: answer.promptTokens,
          completion_tokens: count,
          total_tokens: answer.promptTokens + count,
        },
      }),
    });
  }
  return JSON.stringify({
    id: answer.id,
    type: "message",
    role: "assistant",
    model: answer.model,
    content: [{ type: "text", text }],
    stop_reason: answer.finish === "stop" ? "end_turn" : "max_tokens",
    stop_sequence: null,
    ...(answer.hasUsage && {
      usage: { input_tokens: answer.promptTokens, output_tokens: count },
    }),
  });
}
