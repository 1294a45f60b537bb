import { type MediaTokens, NO_MEDIA, type Tokens } from "../pricing/usage.ts";
import type { SplitEvent } from "./sse_events.ts";

/** What an event is to the relay. */
export type EventKind =
  /** Carries text, reasoning, a refusal or a tool call. */
  | "content"
  /** Carries nothing but usage: withheld from a client that did not ask for it. */
  | "usage_only"
  /** The dialect's last event (`[DONE]`): settle before it is passed on. */
  | "terminal"
  /** The provider says that it failed. Never counted. More may follow. */
  | "error"
  /** Anything else: roles, finish reasons, comments, what could not be read. */
  | "other";

/** Something odd that was seen; recorded with the charge, never fatal. */
export type MeterFlag =
  /** An event or a body that was not JSON, or not an object. */
  | "unreadable"
  /** An event longer than the splitter's cap, passed on unread. */
  | "oversized"
  /** A usage object without usable counts (strings, nulls, absurd numbers): treated as absent. */
  | "usage_unreadable"
  /** A negative count, charged as zero. */
  | "negative_count"
  /** More cached than prompt tokens, so they cannot be inside: counted beside it. */
  | "cached_exceeds_prompt"
  /** Cache reads and writes overlap: together more than the prompt. Reads come first. */
  | "cache_overlap"
  /** More reasoning than output, and still said to be inside: charged as said. */
  | "reasoning_exceeds_output"
  /** The provider's total fits another reading than its counting rule: that one was charged. */
  | "counted_by_total"
  /** The provider's total fits no reading of its parts: the counting rule was charged. */
  | "total_mismatch"
  /** More sound or images than the class that they are inside of: cut to it. */
  | "media_exceeds_class"
  /** Cache writes by lifetime that do not add up to their total: the rest is taken for 5 minutes. */
  | "cache_split_stale"
  /** The provider counted calls of a tool that has no price here: they are not charged. */
  | "unpriced_tool"
  /** The provider served a tier that costs more than the price here, which was charged. */
  | "unpriced_tier"
  /** The meter itself failed on an event; the event was passed on. */
  | "meter_fault";

/** An error that the provider reported in its answer. For logs: not to be shown unfiltered. */
export interface ProviderError {
  readonly message: string;
  readonly type: string | null;
  readonly code: string | null;
}

/** What another model used within an answer, such as an advisor that the first one asked. */
export interface OtherModelUsage {
  /** As the provider calls it, without the provider's name. */
  readonly model: string;
  readonly tokens: Tokens;
}

/** What is known so far. At the end of the stream, what is known. */
export interface MeterSnapshot {
  /** The last usage that the provider reported, in disjoint classes; `null` when it has not. */
  readonly usage: Tokens | null;
  /**
   * The prompt, where the provider has reported it before the rest, such as in `message_start`; its
   * output is 0. What a charge without a usage has for a prompt. `null` where it has not.
   */
  readonly prompt: Tokens | null;
  /** How much of the output was reasoning, where reported: for information, it is inside `output`. */
  readonly reasoningTokens: number | null;
  /** Sound and images within `usage`, where reported; zeros else. They are inside its classes. */
  readonly media: MediaTokens;
  /** How often the provider searched, where it bills by the search. */
  readonly webSearches: number;
  /** What other models used; not inside `usage`. One entry a model. */
  readonly otherModels: readonly OtherModelUsage[];
  /** The tier that the provider says it served, in its own word. */
  readonly serviceTier: string | null;
  /** What the provider says that it bills, a decimal string in USD; to compare, never to charge. */
  readonly providerCost: string | null;
  /** Fair estimate of the output from what was received; what a charge without usage is based on. */
  readonly outputTokensEstimate: number;
  /** Upper bound of the output so far: the next slice is asked for by it; the estimate decides when to stop. */
  readonly outputTokensUpper: number;
  /** True once anything was delivered: text, reasoning, a refusal or a tool call. */
  readonly hasContent: boolean;
  /** The finish reason in the provider's own word; `null` until there is one. */
  readonly finish: string | null;
  /** The provider's id of the answer. */
  readonly providerRequestId: string | null;
  /** Ids by which a later request can go on from this answer, or from an item of it. */
  readonly storedIds: readonly string[];
  /** The model that answered, as the provider calls it. */
  readonly model: string | null;
  /** The last error reported; an answer may have both content and an error. */
  readonly error: ProviderError | null;
  readonly flags: readonly MeterFlag[];
}

/** Nothing known yet: what a meter starts from. */
export const NOTHING_METERED: MeterSnapshot = Object.freeze({
  usage: null,
  prompt: null,
  reasoningTokens: null,
  media: NO_MEDIA,
  webSearches: 0,
  otherModels: [],
  serviceTier: null,
  providerCost: null,
  outputTokensEstimate: 0,
  outputTokensUpper: 0,
  hasContent: false,
  finish: null,
  providerRequestId: null,
  storedIds: [],
  model: null,
  error: null,
  flags: [],
});

/** How a stream that we stop ends in the dialect's own terms, as it would at a length limit. */
export interface EarlyEnd {
  /** The events that close the answer. The cost comment goes after them. */
  readonly closing: Uint8Array;
  /** The dialect's last event; empty where it has none. */
  readonly terminal: Uint8Array;
}

/** Reads one streamed answer. It never throws: a fault in here must not touch the client's stream. */
export interface Meter {
  /** Takes the next event, in order, before it is passed on. */
  fold(event: SplitEvent): EventKind;
  /** What is known so far. */
  snapshot(): MeterSnapshot;
  /** Two counts of the snapshot, which are looked at after every chunk: without the rest of it. */
  outputTokensEstimate(): number;
  outputTokensUpper(): number;
  /** The end for a stream that is cut short here, in the name of the answer that was begun. */
  earlyEnd(): EarlyEnd;
}
