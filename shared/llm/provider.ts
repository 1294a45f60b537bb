import type { CountingRules } from "./counting_rules.ts";
import type { DialectName, UsageSwitch } from "./dialect.ts";

/** Where a provider takes the key. */
export type KeyHeader = "authorization: Bearer" | "x-api-key" | "x-goog-api-key" | "api-key";

/** How a provider speaks one dialect. */
export interface Endpoint {
  /** Appended to the provider's base URL. */
  readonly path: string;
  /**
   * What a base URL may end with that this path stands in the place of, longest first: SDKs of other
   * dialects have it in theirs, and one address has to do for all of them.
   */
  readonly replaces: readonly string[];
  readonly keyHeader: KeyHeader;
  /** Sent with every request, such as a version of the API. */
  readonly headers: Readonly<Record<string, string>>;
  readonly usageSwitch: UsageSwitch;
  /** Names of the output limit that it obeys, preferred first. Any other is renamed. */
  readonly outputLimitFields: readonly [string, ...string[]];
  /** The lowest limit that it takes. A balance that pays for less is refused. */
  readonly outputTokensMin: number;
  readonly counting: CountingRules;
}

/**
 * What to do upstream when the client is gone. `abort`: cutting the connection stops the provider's
 * billing; charge an estimate of what was received. `drain`: it does not; read on to the usage.
 */
export type AbortPolicy = "abort" | "drain";

/** Whom we pay: a row of data. Adding a provider is adding a row. */
export interface Provider {
  /** As in `provider:model`, in the price table and, in capitals, in the names of its variables. */
  readonly id: string;
  /** Other names of the same provider, as catalogues and SDKs have them. */
  readonly aliases: readonly string[];
  readonly name: string;
  /**
   * Where its API is, without a slash at the end; `<ID>_BASE_URL` overrides it. `null` where there is
   * no address for all, so that it must be set.
   */
  readonly baseUrl: string | null;
  /** False where it serves without a key, such as a server of one's own. */
  readonly keyRequired: boolean;
  readonly endpoints: Partial<Readonly<Record<DialectName, Endpoint>>>;
  readonly abortPolicy: AbortPolicy;
}
