/** What the tests of the demo provider's dialects share. */
import {
  AT_ONCE,
  type DemoProvider,
  type DemoRequest,
  startDemoProvider,
} from "../../local/demo_provider/server.ts";
import type { DemoScript } from "../../local/demo_provider/script.ts";

export async function withProvider(work: (provider: DemoProvider) => Promise<void>): Promise<void> {
  const provider = startDemoProvider({ timing: AT_ONCE });
  try {
    await work(provider);
  } finally {
    await provider.close();
  }
}

/** A question with an order for the demo provider. */
export function ordering(script: DemoScript, question = "Hello"): string {
  return `${question} [[demo: ${JSON.stringify(script)}]]`;
}

/** The latest request, once the provider knows how it ended. */
export async function ended(provider: DemoProvider): Promise<DemoRequest> {
  while (provider.requests.at(-1)?.state === "running") {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  return provider.requests.at(-1)!;
}

/** The `event:` names of a raw stream, repetitions in a row once. */
export function eventNames(raw: string): string[] {
  const names = [...raw.matchAll(/^event: (.+)$/gm)].map((match) => match[1]!);
  return names.filter((name, i) => name !== names[i - 1]);
}

/** A JSON schema of a tool that takes a city. */
export const CITY = { type: "object" as const, properties: { city: { type: "string" } } };

/** The value, when it is of this type. @throws Error when it is of another. */
export function ofType<T extends { type: string }, K extends T["type"]>(
  value: T | undefined,
  type: K,
): Extract<T, { type: K }> {
  if (value?.type !== type) throw new Error(`expected ${type}, got ${JSON.stringify(value)}`);
  return value as Extract<T, { type: K }>;
}
