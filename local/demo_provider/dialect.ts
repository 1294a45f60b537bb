/** What a dialect of the demo provider is: it reads its requests and says answers its own way. */
import type { Ask } from "./ask.ts";
import type { Answer, CacheUse, Piece } from "./decide_answer.ts";
import type { DemoModels } from "./models.ts";
import type { PromptCache } from "./prompt_cache.ts";

/** An error as this provider tells it. */
export interface ErrorAnswer {
  readonly status: number;
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Where a request came in. */
export interface Visit {
  /** The provider that the path names, else the dialect's own. */
  readonly provider: string;
  readonly requestId: string;
  readonly url: URL;
  readonly headers: Headers;
  readonly models: DemoModels;
}

/** A streamed answer in the dialect's frames. Each text is sent as it is; empty ones are not. */
export interface Frames {
  /** Before the first token. */
  start(): string;
  piece(piece: Piece): string;
  /** The finish, usage and terminal event. */
  end(): string[];
  /** An error in the middle of the stream, and whatever the provider sends behind it. */
  error(): string;
}

/** How an answer is said. */
export interface Speech {
  readonly frames: Frames;
  readonly streamType: string;
  /** True where the provider's own lines end with CRLF; frames are written with LF. */
  readonly crlf?: boolean;
  /** The body of an answer that is not streamed. */
  whole(): string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A request that can be answered. */
export interface Understood {
  readonly ask: Ask;
  /** What of the prompt is cached; the prompt is remembered. */
  useCache(cache: PromptCache): CacheUse;
  speak(answer: Answer): Speech;
}

export interface DemoDialect {
  /** The provider where the path names none. */
  readonly provider: string;
  /** The header for the id of the request; null for none. */
  readonly requestIdHeader: string | null;
  /** The key, where this dialect's SDKs put it. */
  keyOf(visit: Visit): string | undefined;
  /** The request, or the error that the provider would answer with. */
  read(body: unknown, visit: Visit): Understood | ErrorAnswer;
  /** Null for a body that is no JSON. */
  unreadable(visit: Visit): ErrorAnswer;
  missingKey(visit: Visit): ErrorAnswer;
  wrongKey(key: string, visit: Visit): ErrorAnswer;
  /** The failure of a status that a script orders, and after how many seconds to try again. */
  ordered(status: number, visit: Visit, retryAfter?: string | number): ErrorAnswer;
  unknownPath(method: string, visit: Visit): ErrorAnswer;
}

export function isErrorAnswer(read: Understood | ErrorAnswer): read is ErrorAnswer {
  return "status" in read;
}

/** The key of `Authorization: Bearer`. */
export function bearerKey(headers: Headers): string | undefined {
  return headers.get("authorization")?.match(/^Bearer\s+(\S+)$/)?.[1];
}
