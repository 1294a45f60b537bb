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

/**
 * What a request asks for beyond text. Each needs a price of its own on the model: without one the
 * request is refused, for it would be sold below cost.
 */
export type PricedFeature =
  /** Sound in the prompt: `input_audio_per_1k`. */
  | "input_audio"
  /** Spoken answers: `output_audio_per_1k`. */
  | "output_audio"
  /** Images in the answer: `output_image_per_1k`. */
  | "output_image"
  /** Searches by the provider: `web_search_fee` a search. */
  | "web_search";

/** What a path says that other dialects have in the body. */
export interface RequestTarget {
  /** The model's name as the client wrote it. */
  readonly model: string;
  /** True where the answer comes as server-sent events. */
  readonly stream: boolean;
  /** Gemini's method. Without `alt=sse` its stream is one JSON array: then `stream` is false. */
  readonly method?: GeminiMethod;
}

/** What a Gemini model is asked for, after the colon of the path. */
export type GeminiMethod = "generateContent" | "streamGenerateContent";

/** What the proxy must know of a request to meter it. */
export interface ModelRequest {
  readonly kind: "request";
  /** The body as the client sent it. */
  readonly body: JsonObject;
  /** The model's name as the client wrote it. */
  readonly model: string;
  readonly stream: boolean;
  /** Gemini's method, as `RequestTarget` has it; absent in every other dialect. */
  readonly method?: GeminiMethod;
  /** The client's own output limit, or `null`. */
  readonly outputTokensLimit: number | null;
  /** True when the client asked for usage in the stream, so that it must not be withheld. */
  readonly wantsUsage: boolean;
  /** `chat_id` of the plain alias; never forwarded. */
  readonly chatId: string | null;
  /** Models to try when the first one cannot answer, as the client wrote them; never forwarded. */
  readonly fallbackModels: readonly string[];
  /** What it asks for that has a price of its own. */
  readonly features: readonly PricedFeature[];
  /** How often the provider may search at most; 0 where it may not. */
  readonly webSearchesMax: number;
  /** How often it searches in any case, whether or not the answer tells; 0 where absent. */
  readonly webSearchesMin?: number;
  /**
   * True where the prompt holds what cannot be counted from here: files, documents, sound, or a
   * conversation that lies at the provider. Then the whole context window is held, and a lost client
   * is drained for the report.
   */
  readonly hidesInput: boolean;
  /**
   * True where this request makes the provider bill output that the stream does not show, such as
   * summarised thinking. It is then held whole and drained, as for a model that `hides_reasoning`.
   */
  readonly hidesOutput: boolean;
  /** What of earlier answers it goes on from, by id, that lies at the provider; none where absent. */
  readonly references?: readonly StoredReference[];
}

/** An answer, or an item of one, that lies at the provider in the account that all users share. */
export interface StoredReference {
  /** The provider's id, as the client sent it. */
  readonly id: string;
  /** The parameter that has it. */
  readonly param: string;
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
  /**
   * What the endpoint's path goes on with, query included: Gemini has the model and the method
   * there. Empty for every other dialect.
   */
  readonly pathSuffix: string;
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
  /**
   * Checks a parsed body and says what must be known, or what is wrong. Never throws.
   *
   * @param target what the path said; only for a dialect that has the model there.
   */
  readRequest(body: unknown, target?: RequestTarget): ModelRequest | RequestFault;
  /** Upper bound of the prompt in tokens, at most the model's context window. */
  inputTokensMax(request: ModelRequest, limits: InputLimits): number;
  /** Fair estimate of the prompt in tokens, for what no provider reports. */
  inputTokensEstimate(request: ModelRequest, limits: InputLimits): number;
  rewriteRequest(request: ModelRequest, change: RequestChange): UpstreamRequest;
  /** What of the client's own headers goes upstream with the request, such as a version of the API. */
  requestHeaders(headers: Headers): Readonly<Record<string, string>>;
  /** Meters a streamed answer. */
  createMeter(rules: CountingRules): Meter;
  /** Meters a whole answer: the parsed body, of whatever status. Never throws. */
  readAnswer(body: unknown, rules: CountingRules): MeterSnapshot;
  /** The dialect's error envelope, for a response body. */
  errorBody(error: DialectError): JsonObject;
  /** The same as the last event of a stream that fails after it began, its terminal event included. */
  errorEvent(error: DialectError): Uint8Array;
}
