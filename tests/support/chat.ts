/** A client of chat-proxy, as plain as can be: one request, and a stream read event by event. */
import type { DemoScript } from "../../local/demo_provider/script.ts";
import type { TestStack, TestUser } from "./stack.ts";

export interface Chat {
  readonly question?: string;
  /** What the demo provider is ordered to do. */
  readonly script?: DemoScript;
  /** `openai:gpt-4o` unless told. */
  readonly model?: string;
  /** True unless told. */
  readonly stream?: boolean;
  /** More of the body. */
  readonly body?: Readonly<Record<string, unknown>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

/** Sends one request of the user. The answer is the caller's to read. */
export function chat(
  stack: Pick<TestStack, "functionsUrl">,
  user: Pick<TestUser, "token">,
  { question, script, model, stream, body, headers, signal }: Chat = {},
): Promise<Response> {
  const order = script === undefined ? "" : ` [[demo: ${JSON.stringify(script)}]]`;
  return fetch(`${stack.functionsUrl}/chat-proxy/v1/chat/completions`, {
    method: "POST",
    headers: {
      authorization: `Bearer ${user.token}`,
      "content-type": "application/json",
      ...headers,
    },
    body: JSON.stringify({
      model: model ?? "openai:gpt-4o",
      stream: stream ?? true,
      messages: [{ role: "user", content: `${question ?? "How do you do?"}${order}` }],
      ...body,
    }),
    ...(signal === undefined ? {} : { signal }),
  });
}

/** An event, its blank line included, and when it was there. */
export interface ArrivedEvent {
  readonly text: string;
  readonly atMs: number;
}

/** A stream that is being read, event by event, and can be left. */
export interface ChatStream {
  readonly response: Response;
  readonly requestId: string;
  /** The next event; null at the end. Rejects when the connection broke. */
  next(): Promise<ArrivedEvent | null>;
  /** All that is left. */
  rest(): Promise<ArrivedEvent[]>;
  /** Bytes as they come, at least so many in all unless the stream ends before. */
  readBytes(count: number): Promise<number>;
  /** Closes the connection, as a closed browser tab does. */
  cut(): void;
}

/** Sends a streamed request. */
export async function openChat(
  stack: Pick<TestStack, "functionsUrl">,
  user: Pick<TestUser, "token">,
  options: Omit<Chat, "stream" | "signal"> = {},
): Promise<ChatStream> {
  const aborter = new AbortController();
  const response = await chat(stack, user, { ...options, signal: aborter.signal });
  if (!response.ok || response.body === null) {
    throw new Error(`The chat was refused: ${response.status} ${await response.text()}`);
  }
  const reader = response.body.getReader();
  const decoder = new TextDecoder();
  let buffer = "";
  let isOver = false;
  const next = async (): Promise<ArrivedEvent | null> => {
    for (;;) {
      const end = buffer.indexOf("\n\n");
      if (end !== -1 || isOver) {
        const text = end === -1 ? buffer : buffer.slice(0, end + 2);
        buffer = buffer.slice(text.length);
        return text === "" ? null : { text, atMs: performance.now() };
      }
      const { done, value } = await reader.read();
      if (done) isOver = true;
      else buffer += decoder.decode(value, { stream: true });
    }
  };
  return {
    response,
    requestId: response.headers.get("x-request-id") ?? "",
    next,
    async rest() {
      const events: ArrivedEvent[] = [];
      for (let event = await next(); event !== null; event = await next()) events.push(event);
      return events;
    },
    async readBytes(count) {
      let read = 0;
      while (read < count) {
        const { done, value } = await reader.read();
        if (done) break;
        read += value.length;
      }
      return read;
    },
    cut() {
      aborter.abort();
      // What was being read rejects by it: nobody waits for that any more.
      reader.closed.catch(() => {});
    },
  };
}

/** What the trailing comment says; null when there is none. */
export interface CostComment {
  readonly request_id: string;
  readonly cost?: string;
  readonly balance?: string;
  readonly tokens?: Readonly<Record<string, number>>;
  readonly basis?: string;
  readonly code?: string;
}

export function costComment(events: readonly ArrivedEvent[]): CostComment | null {
  const comment = events.find((event) => event.text.startsWith(": farebox "));
  return comment === undefined ? null : JSON.parse(comment.text.slice(": farebox ".length));
}

/** The text of an event's delta; null for an event without. */
export function contentOf(event: ArrivedEvent): string | null {
  if (!event.text.startsWith("data: {")) return null;
  const chunk: { choices?: { delta?: { content?: string | null } }[] } = JSON.parse(
    event.text.slice("data: ".length),
  );
  return chunk.choices?.[0]?.delta?.content || null;
}
