import type { CountingRules } from "./counting_rules.ts";
import type { Meter, MeterSnapshot } from "./meter.ts";

/** The wire formats. Issue by issue more of them have an implementation. */
export type DialectName =
  | "openai-chat"
  | "openai-responses"
  | "anthropic-messages"
  | "gemini";

/** A JSON object as parsed; `unknown` inside, for nothing in it has been checked. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** What the proxy must know of a request to meter it. */
export interface ModelRequest {
  readonly kind: "request";
  /** The body as the client sent it. */
  readonly body: JsonObject;
  /** The model's name as the client wrote it. */
  readonly model: string;
  readonly stream: boolean;
  /** The client's own output limit, or `null`. */
  readonly outputTokensLimit: number | null;
  /** True when the client asked for usage in the stream, so that it must not be withheld. */
  readonly wantsUsage: boolean;
  /** `chat_id` of the plain alias; never forwarded. */
  readonly chatId: string | null;
}

/** Why a request cannot be served: what is wrong and what to do, and which parameter it is. */
export interface RequestFault {
  readonly kind: "fault";
  readonly message: string;
  readonly param: string | null;
}

/** What bounds a prompt, from the model's price. `null`: not known. */
export interface InputLimits {
  readonly maxInputTokens: number | null;
  readonly imageTokensMax: number | null;
}

/** How to switch usage on in a stream. `optional`: it comes anyway. `rejected`: asking is an error. */
export type UsageSwitch = "required" | "optional" | "rejected";

/** What the proxy changes in a request; everything else is forwarded as it was sent. */
export interface RequestChange {
  /** The model's name at the provider. */
  readonly model: string;
  /** What the answer may have at most; `null` for no limit. */
  readonly outputTokensLimit: number | null;
  readonly usageSwitch: UsageSwitch;
  /** The names of the limit that the provider obeys, preferred first. */
  readonly outputLimitFields: readonly string[];
}

/** A request as it goes upstream. */
export interface UpstreamRequest {
  readonly body: JsonObject;
  /** True when usage was switched on for us alone: withhold `usage_only` events from the client. */
  readonly withholdUsage: boolean;
}

/** An error to tell a client in its dialect. */
export interface DialectError {
  /** HTTP status, which decides the class of exception that an SDK raises. */
  readonly status: number;
  /** Our stable code, such as `INSUFFICIENT_BALANCE`. */
  readonly code: string;
  readonly message: string;
  readonly param?: string | null;
}

/** One wire format: how its requests are read and changed, its answers metered, its errors told. */
export interface Dialect {
  readonly name: DialectName;
  /** Checks a parsed body and says what must be known, or what is wrong. Never throws. */
  readRequest(body: unknown): ModelRequest | RequestFault;
  /** Upper bound of the prompt in tokens, at most the model's context window. */
  inputTokensMax(request: ModelRequest, limits: InputLimits): number;
  /** Fair estimate of the prompt in tokens, for what no provider reports. */
  inputTokensEstimate(request: ModelRequest, limits: InputLimits): number;
  rewriteRequest(request: ModelRequest, change: RequestChange): UpstreamRequest;
  /** Meters a streamed answer. */
  createMeter(rules: CountingRules): Meter;
  /** Meters a whole answer: the parsed body, of whatever status. Never throws. */
  readAnswer(body: unknown, rules: CountingRules): MeterSnapshot;
  /** The dialect's error envelope, for a response body. */
  errorBody(error: DialectError): JsonObject;
  /** The same as the last event of a stream that fails after it began, its terminal event included. */
  errorEvent(error: DialectError): Uint8Array;
}
