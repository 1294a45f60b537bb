import type { Dialect, DialectName } from "./dialect.ts";

/** Loads a dialect's code, once an isolate. Rejects where it cannot be loaded. */
export type LoadDialect = () => Promise<Dialect>;

/**
 * The wire formats by name, each loaded when it is first asked for: most isolates speak one of them,
 * and all four are a good part of a cold start. Specifiers are literal, so that bundlers and uploads
 * find them.
 */
export const LOAD_DIALECT: ReadonlyMap<DialectName, LoadDialect> = new Map<
  DialectName,
  LoadDialect
>([
  ["openai-chat", async () => (await import("./dialects/openai_chat.ts")).OPENAI_CHAT],
  [
    "openai-responses",
    async () => (await import("./dialects/openai_responses.ts")).OPENAI_RESPONSES,
  ],
  [
    "anthropic-messages",
    async () => (await import("./dialects/anthropic_messages.ts")).ANTHROPIC_MESSAGES,
  ],
  ["gemini", async () => (await import("./dialects/gemini.ts")).GEMINI],
]);
