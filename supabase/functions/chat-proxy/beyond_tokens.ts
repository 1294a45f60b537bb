/** What an answer came to beyond its five classes of tokens. */
import type { SettleArgs } from "../../../shared/credit/requests.ts";
import type { MeterSnapshot } from "../../../shared/llm/meter.ts";
import { type Basis, NO_MEDIA } from "../../../shared/pricing/usage.ts";

export type BeyondTokens = Pick<
  SettleArgs,
  "media" | "webSearches" | "otherModels" | "providerCost" | "serviceTier" | "flags"
>;

/** As many as the ledger takes; nobody has seen an answer by more than two models. */
const OTHER_MODELS_MAX = 8;

/**
 * What to settle beside the tokens. Searches are seen as they come; the rest is only reported.
 *
 * @param webSearchesMin how often the provider searched in any case.
 */
export function beyondTokens(
  snapshot: MeterSnapshot,
  basis: Basis,
  webSearchesMin = 0,
): BeyondTokens {
  const isReported = basis === "reported";
  return {
    media: isReported ? snapshot.media : NO_MEDIA,
    webSearches: Math.max(snapshot.webSearches, webSearchesMin),
    otherModels: isReported ? snapshot.otherModels.slice(0, OTHER_MODELS_MAX) : [],
    providerCost: snapshot.providerCost,
    serviceTier: snapshot.serviceTier,
    flags: snapshot.flags,
  };
}

/** The same in a line of the log, from which it can be settled later: only what there is. */
export function loggedBeyond(beyond: BeyondTokens): Record<string, unknown> {
  const { media, webSearches, otherModels, providerCost, serviceTier, flags } = beyond;
  return {
    ...(Object.values(media).some((count) => count > 0) && { media }),
    ...(webSearches > 0 && { web_searches: webSearches }),
    ...(otherModels.length > 0 && { other_models: otherModels }),
    ...(providerCost !== null && { provider_cost: providerCost }),
    ...(serviceTier !== null && { service_tier: serviceTier }),
    ...(flags.length > 0 && { flags }),
  };
}
