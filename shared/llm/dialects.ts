import type { Dialect, DialectName } from "./dialect.ts";
import { OPENAI_CHAT } from "./dialects/openai_chat.ts";

/** The wire formats that are spoken here, by name. */
export const DIALECTS: ReadonlyMap<DialectName, Dialect> = new Map(
  [OPENAI_CHAT].map((dialect) => [dialect.name, dialect]),
);
