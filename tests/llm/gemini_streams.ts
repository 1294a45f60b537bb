/** Streams of Gemini for tests, and what they are metered to. */
import { DEFAULT_COUNTING } from "../../shared/llm/counting_rules.ts";
import { GEMINI } from "../../shared/llm/dialects/gemini.ts";
import { meterStream } from "./metered_text.ts";

export const meterText = (stream: string | Uint8Array) => meterStream(GEMINI, stream);

/** A stream of these chunks as Google frames them; a text stands for itself. */
export const stream = (...chunks: unknown[]) =>
  chunks.map((chunk) =>
    `data: ${typeof chunk === "string" ? chunk : JSON.stringify(chunk)}\r\n\r\n`
  ).join("");
export const chunk = (parts: object[], more: object = {}, finishReason?: string) => ({
  candidates: [{ content: { parts, role: "model" }, finishReason, index: 0 }],
  modelVersion: "gemini-2.5-flash",
  responseId: "resp-1",
  ...more,
});
export const usageOf = (prompt: number, candidates: number, thoughts = 0) => ({
  usageMetadata: {
    promptTokenCount: prompt,
    candidatesTokenCount: candidates,
    thoughtsTokenCount: thoughts,
    totalTokenCount: prompt + candidates + thoughts,
  },
});
export const tokens = (input: number, output: number) => ({
  input,
  cache_read: 0,
  cache_write_5m: 0,
  cache_write_1h: 0,
  output,
});
export const whole = (body: unknown) => GEMINI.readAnswer(body, DEFAULT_COUNTING);
