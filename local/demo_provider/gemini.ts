/** Gemini's own dialect: one answer, whole, as server-sent events, or as an array of JSON. */
import { type Answer, type Counts, type Piece, textOf } from "./decide_answer.ts";
import { bearerKey, type DemoDialect, type Frames } from "./dialect.ts";
import { geminiError, orderedGeminiError, unknownName, wrongGeminiKey } from "./gemini_errors.ts";
import { readGeminiPath, readGeminiRequest } from "./gemini_request.ts";
import { randomText } from "./random_text.ts";
import { dataFrame } from "./stream_steps.ts";

export const GEMINI: DemoDialect = {
  provider: "google",
  requestIdHeader: null,
  keyOf: ({ headers, url }) =>
    headers.get("x-goog-api-key") ?? url.searchParams.get("key") ?? bearerKey(headers),
  unreadable: () => geminiError(400, "Invalid JSON payload received. Unexpected token."),
  missingKey: () =>
    geminiError(
      403,
      "Method doesn't allow unregistered callers (callers without established identity). Please " +
        "use API Key or other form of API consumer identity to call this API.",
    ),
  wrongKey: () => wrongGeminiKey(),
  ordered: (status, _visit, retryAfter) => orderedGeminiError(status, retryAfter),
  unknownPath: () => geminiError(404, "Requested entity was not found."),
  read(body, { models, url }) {
    const target = readGeminiPath(url.pathname);
    if (target === null) return unknownName(url.pathname);
    const ask = readGeminiRequest(body, target, models);
    if ("status" in ask) return ask;
    const isSse = url.searchParams.get("alt") === "sse";
    return {
      ask,
      useCache: (cache) => ({
        cacheRead: cache.use(ask.messages, 1),
        cacheWrite5m: 0,
        cacheWrite1h: 0,
      }),
      speak(answer) {
        const speech = new GeminiSpeech(answer, isSse);
        return {
          frames: speech,
          streamType: isSse ? "text/event-stream" : "application/json; charset=UTF-8",
          crlf: isSse,
          whole: () => JSON.stringify(speech.whole(), null, 2) + "\n",
        };
      },
    };
  },
};

const FINISHES = { stop: "STOP", length: "MAX_TOKENS", tool_call: "STOP" } as const;

class GeminiSpeech implements Frames {
  readonly #answer: Answer;
  readonly #isSse: boolean;
  readonly #responseId = randomText(22);
  readonly #signature = btoa(randomText(48));
  #sent = 0;
  #wordsSent = 0;
  #frames = 0;

  constructor(answer: Answer, isSse: boolean) {
    this.#answer = answer;
    this.#isSse = isSse;
  }

  /** The body of an answer that is not streamed. */
  whole(): unknown {
    const thought = textOf(this.#answer, "reasoning");
    const text = textOf(this.#answer, "text");
    const parts = [
      ...(thought === "" ? [] : [{ text: thought, thought: true }]),
      ...(text === "" ? [] : [{ text }]),
      ...this.#functionCall(),
    ];
    return this.#response(parts, this.#answer.counts, true);
  }

  /** Nothing is said before the first token. */
  start(): string {
    return "";
  }

  piece({ kind, text }: Piece): string {
    const { counts, pieces } = this.#answer;
    const isLast = ++this.#sent === pieces.length;
    if (kind !== "reasoning") this.#wordsSent++;
    // A call is sent when its arguments are complete.
    if (kind === "arguments") {
      return isLast ? this.#frame(this.#response(this.#functionCall(), counts, true)) : "";
    }
    const part = kind === "reasoning" ? { text, thought: true } : { text };
    const soFar = { ...counts, words: this.#wordsSent };
    return this.#frame(this.#response([part], isLast ? counts : soFar, isLast));
  }

  end(): string[] {
    const frames: string[] = [];
    if (this.#answer.pieces.length === 0) {
      frames.push(this.#frame(this.#response([], this.#answer.counts, true)));
    }
    if (!this.#isSse) frames.push("]\n");
    return frames;
  }

  error(): string {
    const { body } = orderedGeminiError(503);
    return this.#frame(body) + (this.#isSse ? "" : "]\n");
  }

  /** An array has a bracket before its first element and a comma before each other one. */
  #frame(value: unknown): string {
    const isFirst = this.#frames++ === 0;
    if (this.#isSse) return dataFrame(value);
    return `${isFirst ? "[" : ",\r\n"}${JSON.stringify(value, null, 2)}\n`;
  }

  /** None when a limit has cut its arguments short. */
  #functionCall(): unknown[] {
    const { ask, finish } = this.#answer;
    if (ask.toolCall === null || finish !== "tool_call") return [];
    const { name, arguments: args } = ask.toolCall;
    return [{
      functionCall: { name, args: JSON.parse(args) },
      ...(this.#answer.counts.reasoning > 0 ? { thoughtSignature: this.#signature } : {}),
    }];
  }

  #response(parts: readonly unknown[], counts: Counts, isFinal: boolean): unknown {
    const { ask, finish } = this.#answer;
    const { script } = ask;
    const usage = "usage" in script ? script.usage : usageMetadata(counts);
    return {
      candidates: [{
        content: parts.length === 0 ? { role: "model" } : { parts, role: "model" },
        ...(isFinal ? { finishReason: script.finish ?? FINISHES[finish] } : {}),
        index: 0,
        ...(isFinal && finish === "tool_call"
          ? { finishMessage: "Model generated function call(s)." }
          : {}),
        ...(isFinal && script.web_searches !== undefined
          ? { groundingMetadata: grounding(script.web_searches) }
          : {}),
      }],
      ...(script.omit_usage ? {} : { usageMetadata: usage }),
      modelVersion: ask.model.snapshot,
      responseId: this.#responseId,
    };
  }
}

/** Thoughts are beside the candidates, the cache is inside the prompt, and zeros are left out. */
function usageMetadata(counts: Counts): unknown {
  const ofText = (tokenCount: number) => [{ modality: "TEXT", tokenCount }];
  return {
    promptTokenCount: counts.prompt,
    ...(counts.words > 0 ? { candidatesTokenCount: counts.words } : {}),
    totalTokenCount: counts.prompt + counts.words + counts.reasoning,
    ...(counts.cacheRead > 0
      ? {
        cachedContentTokenCount: counts.cacheRead,
        cacheTokensDetails: ofText(counts.cacheRead),
      }
      : {}),
    promptTokensDetails: ofText(counts.prompt),
    ...(counts.reasoning > 0 ? { thoughtsTokenCount: counts.reasoning } : {}),
  };
}

function grounding(searches: number): unknown {
  return {
    webSearchQueries: Array.from({ length: searches }, (_, i) => `the demo provider ${i + 1}`),
    searchEntryPoint: { renderedContent: "" },
    groundingChunks: [],
    groundingSupports: [],
  };
}
