/** What a stream that was cut should cost: the fairness rule, written a second time. */
import { assert, assertEquals } from "@std/assert";
import { encode as o200k } from "gpt-tokenizer/o200k_base";
import { DIALECTS } from "../../shared/llm/dialects.ts";
import type { Meter, MeterSnapshot } from "../../shared/llm/meter.ts";
import { type AbortPolicy, countingRules, findProvider } from "../../shared/llm/providers.ts";
import { createEventSplitter } from "../../shared/llm/sse_events.ts";
import { promptTokens, type Tokens } from "../../shared/pricing/usage.ts";
import type { Charged, Ended } from "./replay_ledger.ts";
import { costOfTokens, markedUp, type Prices } from "./replay_prices.ts";
import type { Replay } from "./replay_recordings.ts";
import { markupTokens, textOf } from "./replay_text.ts";

/** One stream that ended before its end. */
export interface Cut {
  readonly replay: Replay;
  /** The whole answer. */
  readonly bytes: Uint8Array;
  /** After how many bytes. */
  readonly at: number;
  /**
   * Whether the connection breaks, the body ends as if it were whole, the reader leaves a provider
   * that waits, or one that goes on meanwhile.
   */
  readonly how: "breaks" | "ends" | "is left" | "is left midway";
  /** What can be read of it: its whole events, or all of it where it ends as if it were whole. */
  readonly events: Uint8Array;
}

/** An estimate may differ from o200k's count by so much: its vocabulary is not every model's. */
const TIMES = 2.5;
const TOKENS_MORE = 12;

/** What the meter of the stream knows after these events, and after what was left over, if it ended. */
export function metered(replay: Replay, bytes: Uint8Array, isEnded: boolean): MeterSnapshot {
  const meter = createMeterOf(replay);
  const splitter = createEventSplitter();
  for (const event of splitter.push(bytes)) {
    if (meter.fold(event) === "terminal") return meter.snapshot();
  }
  const rest = isEnded ? splitter.flush() : null;
  if (rest !== null) meter.fold(rest);
  return meter.snapshot();
}

/** Whether the reader must be told that the provider broke off. */
export function isBroken({ replay, events, how }: Cut): boolean {
  const { finish, usage, error } = metered(replay, events, how === "ends");
  if (how === "ends") return finish === null && usage === null && error === null;
  const meter = createMeterOf(replay);
  return createEventSplitter().push(events).every((event) => meter.fold(event) !== "terminal");
}

/** After how many bytes the answer has its finish and not yet its report; null for never. */
export function finishAt(replay: Replay, bytes: Uint8Array): number | null {
  const meter = createMeterOf(replay);
  let at = 0;
  for (const event of createEventSplitter().push(bytes)) {
    meter.fold(event);
    at += event.bytes.length;
    const { finish, usage } = meter.snapshot();
    if (finish !== null && usage === null) return at;
  }
  return null;
}

function createMeterOf({ provider, dialect }: Replay): Meter {
  return DIALECTS.get(dialect)!.createMeter(countingRules(findProvider(provider), dialect));
}

/** Whether a provider is read on although its client has left: for the report. */
export function isDrained({ replay, events }: Cut): boolean {
  const policy: AbortPolicy = findProvider(replay.provider).abortPolicy;
  return policy === "drain" || metered(replay, events, false).finish !== null;
}

export type Verdict =
  | "reported whole"
  | "reported so far"
  | "estimated"
  | "prompt alone"
  | "released";

/** Checks how a cut ended. @throws AssertionError with what is wrong. */
export function judgeCut(cut: Cut, end: Ended, prices: Prices): Verdict {
  const { replay, bytes, events, how } = cut;
  const isWhole = how === "is left" && isDrained(cut);
  const seen = metered(replay, isWhole ? bytes : events, isWhole || how === "ends");
  const { charge } = end;
  if (how === "is left midway") return judgeRace(cut, end, prices);
  const isFree = seen.usage === null
    ? !seen.hasContent && (how !== "is left" || isWhole || seen.error !== null)
    : !seen.hasContent && seen.usage.output === 0;
  if (isFree) {
    assertEquals([end.state, charge], ["released", null]);
    return "released";
  }
  if (charge === null) throw new Error(`It was ${end.state}, but something was received`);
  assertEquals(end.state, "settled");
  checkCost(charge, prices);
  if (seen.usage !== null) {
    assertEquals([charge.basis, charge.tokens], ["reported", seen.usage]);
    return checkReport(replay, charge);
  }
  assertEquals(charge.basis, "estimated");
  checkCeiling(charge, end, prices);
  return checkEstimate(cut, seen, charge, end, isWhole);
}

/** A charge for at least what the reader has seen, and at most for all that there was. */
function judgeRace({ replay, bytes, events }: Cut, end: Ended, prices: Prices): Verdict {
  const { charge, state } = end;
  const least = metered(replay, events, false);
  const most = metered(replay, bytes, true);
  if (charge === null) {
    assertEquals([state, least.hasContent], ["released", false]);
    return "released";
  }
  checkCost(charge, prices);
  if (charge.basis === "reported") return checkReport(replay, charge);
  assertEquals([state, charge.basis], ["settled", "estimated"]);
  checkCeiling(charge, end, prices);
  const { output } = charge.tokens;
  assert(output >= Math.min(least.outputTokensEstimate, end.outputTokensReserved), `${output}`);
  assert(output <= Math.max(1, most.outputTokensEstimate), `${output}`);
  return output === 0 ? "prompt alone" : "estimated";
}

/** By its tokens and its prices, to the last decimal, and all of it collected. */
function checkCost(charge: Charged, prices: Prices): void {
  const { tokens, webSearches, otherModelsCost, cost, collected } = charge;
  const raw = costOfTokens(tokens, prices) + prices.requestFee + otherModelsCost +
    BigInt(webSearches) * prices.webSearchFee;
  assertEquals([cost, collected], [markedUp(raw), markedUp(raw)]);
}

/** A report before the last one is less than it; the last one is what the recording counts. */
function checkReport(replay: Replay, { tokens }: Charged): Verdict {
  if (replay.tokens === undefined || replay.flags?.length) return "reported so far";
  const { input, cache_read, cache_write_5m, cache_write_1h, output } = replay.tokens;
  const whole = { input, cache_read, cache_write_5m, cache_write_1h, output };
  const missing = sum(whole) - sum(tokens);
  assert(missing >= 0, `${-missing} tokens more than in the end`);
  if (missing > 0) return "reported so far";
  assertEquals(tokens, whole);
  return "reported whole";
}

const sum = (tokens: Tokens) => promptTokens(tokens) + tokens.output;

/** Never more than was held: the prompt's bound and the output's slice, at the dearest prices. */
function checkCeiling(charge: Charged, end: Ended, { per1k, requestFee }: Prices): void {
  const { input, cache_read, cache_write_5m, cache_write_1h } = per1k;
  const dearest = [input, cache_read, cache_write_5m, cache_write_1h]
    .reduce((max, price) => price > max ? price : max);
  const ceiling = markedUp(
    BigInt(end.inputTokensMax) * dearest + BigInt(end.outputTokensReserved) * per1k.output +
      requestFee,
  );
  assert(charge.cost <= ceiling, `${charge.cost} is more than the ${ceiling} that were held`);
}

/** About what another tokenizer makes of what was received, and never more than of the whole answer. */
function checkEstimate(
  { replay, bytes, events }: Cut,
  seen: MeterSnapshot,
  { tokens }: Charged,
  { outputTokensReserved }: Ended,
  isWhole: boolean,
): Verdict {
  assert(promptTokens(tokens) > 0, "the prompt costs nothing");
  const whole = metered(replay, bytes, true).outputTokensEstimate;
  assert(tokens.output <= Math.max(1, whole), `${tokens.output} of a whole ${whole}`);
  const received = isWhole ? bytes : events;
  const text = textOf(replay.dialect, received);
  const hasText = text !== "";
  assertEquals(tokens.output > 0, hasText, `${tokens.output} tokens for "${text}"`);
  assertEquals(tokens.output > 0, seen.hasContent);
  if (text === "") return "prompt alone";
  const count = o200k(text).length + markupTokens(replay.dialect, received);
  const least = Math.min(count / TIMES - TOKENS_MORE, outputTokensReserved);
  assert(
    tokens.output >= least && tokens.output <= count * TIMES + TOKENS_MORE,
    `${tokens.output} tokens, where o200k counts ${count}`,
  );
  // What the relay's own meter would say of just these events: nothing was lost on the way.
  assertEquals(
    tokens.output,
    Math.min(Math.max(1, seen.outputTokensEstimate), outputTokensReserved),
  );
  return "estimated";
}
