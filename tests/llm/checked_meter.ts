/** Meters for tests that hold, whatever comes, to what must hold of every answer. */
import { assert, assertEquals } from "@std/assert";
import { COUNT_MAX } from "../../shared/llm/counts.ts";
import { COUNTING_OF_DIALECT, type CountingRules } from "../../shared/llm/counting_rules.ts";
import type { Dialect } from "../../shared/llm/dialect.ts";
import { DIALECTS } from "../../shared/llm/dialects.ts";
import type { MeterSnapshot } from "../../shared/llm/meter.ts";
import { createEventSplitter, type SplitterOptions } from "../../shared/llm/sse_events.ts";
import { CLASS_OF_MEDIA, MEDIA_CLASSES } from "../../shared/pricing/usage.ts";
import { concat } from "./chunks.ts";
import { MADE_STREAMS, type MadeStream } from "./made_streams.ts";

type CheckOptions = SplitterOptions & { readonly rules?: CountingRules };

/** Meters a stream in these chunks, and checks what holds for every stream. */
export function meterChecked(
  dialect: Dialect,
  chunks: readonly Uint8Array[],
  { rules = COUNTING_OF_DIALECT[dialect.name], ...options }: CheckOptions = {},
): MeterSnapshot {
  const splitter = createEventSplitter(options);
  const meter = dialect.createMeter(rules);
  const passed: Uint8Array[] = [];
  for (const chunk of chunks) {
    for (const event of splitter.push(chunk)) {
      meter.fold(event);
      passed.push(event.bytes);
    }
  }
  const rest = splitter.flush();
  if (rest !== null) {
    meter.fold(rest);
    passed.push(rest.bytes);
  }
  assert(isSame(concat(passed), concat(chunks)), "the client's bytes are the provider's");
  const { closing, terminal } = meter.earlyEnd();
  assert(closing instanceof Uint8Array && terminal instanceof Uint8Array);
  return sane(meter.snapshot());
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** What holds for every answer, however broken. */
export function sane(snapshot: MeterSnapshot): MeterSnapshot {
  const { usage, media, otherModels, webSearches, providerCost, flags } = snapshot;
  const isCount = (count: number) => Number.isSafeInteger(count) && count >= 0;
  const told: Readonly<Record<string, number>>[] = [
    { webSearches },
    media,
    usage ?? {},
    ...otherModels.map(({ tokens }) => tokens),
  ];
  for (const count of told.flatMap((counts) => Object.values(counts))) {
    assert(isCount(count) && count <= COUNT_MAX, `${count} is a count`);
  }
  for (const name of MEDIA_CLASSES) {
    assert(media[name] <= (usage?.[CLASS_OF_MEDIA[name]] ?? 0), `${name} is inside its class`);
  }
  assert(isCount(snapshot.outputTokensEstimate) && isCount(snapshot.outputTokensUpper));
  assert(snapshot.outputTokensEstimate <= snapshot.outputTokensUpper);
  assert(providerCost === null || /^\d+(\.\d{1,10})?$/.test(providerCost), `${providerCost}`);
  assert(!flags.includes("meter_fault"), "no meter fails");
  assertEquals(new Set(flags).size, flags.length);
  return snapshot;
}

/** A test of each dialect. */
export function testDialects(
  name: string,
  fn: (dialect: Dialect, made: MadeStream) => void | Promise<void>,
): void {
  for (const dialect of DIALECTS.values()) {
    Deno.test(`${dialect.name}: ${name}`, () => fn(dialect, MADE_STREAMS.get(dialect.name)!));
  }
}
