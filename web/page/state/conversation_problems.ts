/** Why a question went back into the composer: of each chat, until something is sent in it. */
import { computed, effect, type ReadonlySignal, signal } from "@preact/signals";
import { openChat } from "./shown_chats.ts";
import { endedSessionOf, visitor } from "./session.ts";
import type { Problem } from "./types.ts";

/** By chat. */
const problems = signal<ReadonlyMap<string, Problem>>(new Map());

/** The open chat's id; "": one that has yet to begin. */
export const openKey: ReadonlySignal<string> = computed(() => openChat.value?.id ?? "");

/** Stands above the composer of the open chat; null: nothing is wrong. */
export const problem: ReadonlySignal<Problem | null> = computed(() =>
  problems.value.get(openKey.value) ?? null
);

effect(() => {
  // Whoever has signed up or in is past these.
  if (visitor.value.kind === "user" && endedSessionOf.value === null) {
    forgetProblems(["FREE_LIMIT_REACHED", "UNAUTHENTICATED"]);
  }
});

/** @param key a chat's id; "": one that has yet to begin. */
export function setProblem(key: string, next: Problem | null): void {
  const all = new Map(problems.peek());
  if (next === null) all.delete(key);
  else all.set(key, next);
  problems.value = all;
}

function forgetProblems(codes: readonly string[]): void {
  problems.value = new Map([...problems.peek()].filter(([, { code }]) => !codes.includes(code)));
}
