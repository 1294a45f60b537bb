import { assertEquals } from "@std/assert";
import { COUNTING_OF_DIALECT, type CountingRules } from "../../shared/llm/counting_rules.ts";
import type { Dialect, DialectName } from "../../shared/llm/dialect.ts";
import { DIALECTS } from "../../shared/llm/dialects.ts";
import type { MeterSnapshot } from "../../shared/llm/meter.ts";
import { meterBody } from "../../shared/llm/meter_body.ts";
import { countingRules as rulesOf, findProvider } from "../../shared/llm/providers.ts";
import type { Tokens } from "../../shared/pricing/usage.ts";

/** One recorded answer, as the index of the recordings describes it. */
export interface Recording {
  readonly file: string;
  readonly dialect: string;
  readonly provider: string;
  readonly streaming: boolean;
  readonly status: number;
  /** A: raw. B and C: recorded, but written again. D: partly made by hand, for robustness only. */
  readonly grade: string;
  /** What is known of the request that it answers. */
  readonly request?: Readonly<Record<string, unknown>>;
  /** What a meter should report; absent where the answer reports no usage. */
  readonly tokens?: Tokens;
  /** What other models used within the answer, by their names. */
  readonly other_models?: Readonly<Record<string, Readonly<Record<string, number>>>>;
  /** Where the numbers cannot settle it. */
  readonly flags?: readonly string[];
  /** The file with the sizes in bytes of the chunks in which the answer arrived. */
  readonly network_chunks?: string;
}

const ROOT = new URL("../../../shared/recordings/", import.meta.url);

/** All recordings, or `null` where they are not beside the checkout: third parties' data. */
export function listRecordings(): Recording[] | null {
  try {
    return JSON.parse(Deno.readTextFileSync(new URL("index.json", ROOT))).entries;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

export function readRecording(recording: Recording): Uint8Array {
  return Deno.readFileSync(new URL(recording.file, ROOT));
}

/** The sizes of the chunks in which a stream arrived, or `null`. */
export function networkChunks(recording: Recording): number[] | null {
  return recording.network_chunks === undefined
    ? null
    : JSON.parse(Deno.readTextFileSync(new URL(recording.network_chunks, ROOT)));
}

/** The dialect of an answer; `undefined` for those that are not spoken here. */
export function dialectOf(recording: Recording): Dialect | undefined {
  return DIALECTS.get(recording.dialect as DialectName);
}

/** The rules that the proxy would use. */
export function countingRules(recording: Recording): CountingRules {
  const dialect = recording.dialect as DialectName;
  return dialect in COUNTING_OF_DIALECT
    ? rulesOf(findProvider(recording.provider), dialect)
    : COUNTING_OF_DIALECT["openai-chat"];
}

/** A test that is skipped, and says so, where the recordings are not beside the checkout. */
export function testRecordings(name: string, fn: () => void): void {
  const isThere = listRecordings() !== null;
  Deno.test({
    name: isThere ? name : `${name} [no ../shared/recordings beside this checkout]`,
    ignore: !isThere,
    fn,
  });
}

/** Meters a recorded answer as the proxy would: as the stream, or as the whole, that it is. */
export function meterRecording(recording: Recording): MeterSnapshot {
  const dialect = dialectOf(recording)!;
  const bytes = readRecording(recording);
  const { framing, snapshot } = meterBody(bytes, dialect, countingRules(recording));
  assertEquals(framing, recording.streaming ? "stream" : "whole", recording.file);
  return snapshot;
}
