/** One question in every dialect, and what came back without what Farebox adds. */
import type { DialectName } from "../../shared/llm/dialect.ts";
import type { TestStack, TestUser } from "../support/stack.ts";

export interface Question {
  readonly dialect: DialectName;
  /** `provider:model` */
  readonly model: string;
  /** Found again by `questionId` in what the upstream is asked. */
  readonly id: number;
  readonly stream: boolean;
  /** Asks Chat Completions for the usage, so that it is not withheld. True unless told. */
  readonly wantsUsage?: boolean;
  readonly signal?: AbortSignal;
}

/** Asks. The answer is the caller's to read. */
export function ask(
  stack: Pick<TestStack, "functionsUrl">,
  user: Pick<TestUser, "token">,
  question: Question,
): Promise<Response> {
  const { signal } = question;
  const { path, body } = requestOf(question);
  return fetch(`${stack.functionsUrl}/chat-proxy${path}`, {
    method: "POST",
    headers: { authorization: `Bearer ${user.token}`, "content-type": "application/json" },
    body: JSON.stringify(body),
    ...(signal === undefined ? {} : { signal }),
  });
}

function requestOf({ dialect, model, id, stream, wantsUsage = true }: Question) {
  const text = `Say it again, please. [[replay ${String(id).padStart(7, "0")}]]`;
  const messages = [{ role: "user", content: text }];
  switch (dialect) {
    case "openai-chat":
      return {
        path: "/v1/chat/completions",
        body: {
          ...{ model, stream, messages },
          ...(stream && wantsUsage && { stream_options: { include_usage: true } }),
        },
      };
    case "openai-responses":
      return { path: "/v1/responses", body: { model, stream, input: text } };
    case "anthropic-messages":
      return { path: "/v1/messages", body: { model, stream, messages, max_tokens: 32_000 } };
    case "gemini":
      return {
        path: `/v1beta/models/${model}:${
          stream ? "streamGenerateContent?alt=sse" : "generateContent"
        }`,
        body: { contents: [{ role: "user", parts: [{ text }] }] },
      };
  }
}

/** Which question it is that the upstream was asked. */
export function questionId(body: unknown): number {
  const found = /\[\[replay (\d+)\]\]/.exec(JSON.stringify(body));
  if (found === null) throw new Error("The upstream was asked something else");
  return Number(found[1]);
}

/** The bytes of a streamed answer, without the comment of its cost, and how many of those there were. */
export function withoutCost(bytes: Uint8Array): { text: string; costs: number } {
  // One character a byte: what is no UTF-8 must not look like what it is not.
  const text = latin1(bytes);
  const comments = text.match(/: farebox \{[^\n]*\}\n\n/g) ?? [];
  return {
    text: comments.reduce((rest, comment) => rest.replace(comment, ""), text),
    costs: comments.length,
  };
}

/** One character a byte, for comparing bytes as text. */
export function latin1(bytes: Uint8Array): string {
  return new TextDecoder("latin1").decode(bytes);
}
