/** Which dialect a path speaks. What comes before is free: it says the provider. */
import { ANTHROPIC_MESSAGES } from "./anthropic_messages.ts";
import type { DemoDialect } from "./dialect.ts";
import { GEMINI } from "./gemini.ts";
import { OPENAI_CHAT, OPENAI_MANNERS } from "./openai_chat.ts";
import { OPENAI_RESPONSES } from "./openai_responses.ts";

const ROUTES: readonly (readonly [RegExp, DemoDialect])[] = [
  [/\/chat\/completions$/, OPENAI_CHAT],
  [/\/responses$/, OPENAI_RESPONSES],
  [/\/messages$/, ANTHROPIC_MESSAGES],
  [/:(generateContent|streamGenerateContent)$/, GEMINI],
];

/** For paths of no dialect, such as the list of models: with any provider's key. */
export const OTHER: Omit<DemoDialect, "read"> = {
  ...OPENAI_MANNERS,
  keyOf: (visit) =>
    OPENAI_MANNERS.keyOf(visit) ?? visit.headers.get("x-api-key") ??
      visit.headers.get("x-goog-api-key") ?? undefined,
};

/** The dialect of a path that is posted to; null for a path of none. */
export function dialectOf(path: string): DemoDialect | null {
  return ROUTES.find(([pattern]) => pattern.test(path))?.[1] ?? null;
}
