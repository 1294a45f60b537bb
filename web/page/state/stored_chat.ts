/** What comes out of the browser's store may be broken, or of another version of this page. */
import type { Chat, Message } from "./types.ts";

/** Whether the page can show it. */
export function isChat(value: unknown): value is Chat {
  return isRecord(value) && areTexts(value, ["id", "title", "createdAt", "updatedAt", "model"]) &&
    Array.isArray(value.messages) && value.messages.every(isMessage);
}

const STATES: readonly unknown[] = ["streaming", "complete", "stopped", "cut", "failed"];

function isMessage(value: unknown): value is Message {
  return isRecord(value) && areTexts(value, ["id", "text", "reasoning", "model", "createdAt"]) &&
    (value.role === "user" || value.role === "assistant") && STATES.includes(value.state) &&
    (value.requestId === null || typeof value.requestId === "string") &&
    (value.cost === null || isRecord(value.cost)) &&
    (value.problem === null || isRecord(value.problem));
}

function areTexts(record: Record<string, unknown>, fields: readonly string[]): boolean {
  return fields.every((field) => typeof record[field] === "string");
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
