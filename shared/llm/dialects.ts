import type { Dialect, DialectName } from "./dialect.ts";
import { ANTHROPIC_MESSAGES } from "./dialects/anthropic_messages.ts";
import { GEMINI } from "./dialects/gemini.ts";
import { OPENAI_CHAT } from "./dialects/openai_chat.ts";
import { OPENAI_RESPONSES } from "./dialects/openai_responses.ts";

/** The wire formats that are spoken here, by name. */
export const DIALECTS: ReadonlyMap<DialectName, Dialect> = new Map(
  [OPENAI_CHAT, OPENAI_RESPONSES, ANTHROPIC_MESSAGES, GEMINI].map(
    (dialect) => [dialect.name, dialect],
  ),
);
