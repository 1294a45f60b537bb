/** What the soak asks of a worker's last heartbeats, where the worker was killed. */
import { assertEquals } from "@std/assert";
import type { Heartbeat } from "./chaos_platform.ts";
import type { Attempt } from "./chaos_upstream.ts";
import { killOf, toldInTime, wasCutOff } from "./killed.ts";
import type { Seen } from "./load.ts";

const beat = (sentMs: number, answeredMs: number | null, outputTokens: number): Heartbeat => ({
  sentMs,
  answeredMs,
  isDone: answeredMs !== null && answeredMs - sentMs < 1_000,
  outputTokens,
});

/** A reader who gets 200 characters a second for 10 seconds. */
const seen = {
  startMs: 0,
  endMs: 10_000,
  characters: 2_000,
  arrivals: Array.from({ length: 50 }, (_, at) => ({ atMs: at * 200, characters: at * 40 })),
} as unknown as Seen;

const beats = (until: number) =>
  Array.from({ length: until }, (_, at) => beat((at + 1) * 1_000, (at + 1) * 1_000 + 10, at * 40));

Deno.test("heartbeats that tell each second what the reader has are in time; ones that stop are late", () => {
  assertEquals(toldInTime(seen, 9_500, beats(9)), true);
  assertEquals(toldInTime(seen, 9_500, beats(2)), false);
  assertEquals(toldInTime(seen, 9_500, []), false);
});

Deno.test("one that hangs keeps back those after it, to the kill or to the end of the answer", () => {
  assertEquals(toldInTime(seen, 9_500, [...beats(2), beat(3_000, null, 80)]), true);
  assertEquals(toldInTime(seen, 12_000, [...beats(2), beat(3_000, 11_000, 80)]), true);
  assertEquals(toldInTime(seen, 12_000, [...beats(2), beat(3_000, 6_000, 80)]), false);
});

const attempts = [{ atMs: 20_000, lastMs: 21_000 }] as unknown as Attempt[];
const asked = { ...seen, startMs: 19_995, endMs: 21_000, isWhole: false };

Deno.test("a request is excused by a kill from when it was asked, which is a second before its first attempt where nobody knows, to four seconds after its end", () => {
  assertEquals(killOf(undefined, attempts, [18_900]), undefined);
  assertEquals(killOf(undefined, attempts, [19_990]), 19_990);
  assertEquals(killOf(undefined, attempts, [25_000]), 25_000);
  assertEquals(killOf(undefined, attempts, [25_001]), undefined);
  assertEquals(killOf(asked, attempts, [19_990]), undefined);
  assertEquals(killOf(asked, attempts, [19_996]), 19_996);
});

Deno.test("a reader was cut off only while they read, and not one who has read all of it; nobody knows when one asked who got no answer", () => {
  assertEquals(wasCutOff(asked, attempts, [19_990, 21_001]), false);
  assertEquals(wasCutOff(asked, attempts, [19_996]), true);
  assertEquals(wasCutOff({ ...asked, isWhole: true }, attempts, [19_996]), false);
  assertEquals(wasCutOff(undefined, attempts, [15_900, 25_001]), false);
  assertEquals(wasCutOff(undefined, attempts, [16_000]), true);
});
