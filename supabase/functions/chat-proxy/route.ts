/** Where a model's requests go. */
import type { Env, ProviderEnv } from "../../../shared/edge/env.ts";
import { isRefusal, type Refusal } from "../../../shared/edge/refusal.ts";
import type { DialectName } from "../../../shared/llm/dialect.ts";
import { type Endpoint, findProvider, type Provider } from "../../../shared/llm/providers.ts";
import type { Price } from "../../../shared/pricing/price.ts";

export type Route = {
  provider: Provider;
  endpoint: Endpoint;
  /** The key is empty for a provider that takes none. */
  settings: ProviderEnv & { key: string };
};

/** A model that can answer, and where it is reached. */
export type Candidate = { price: Price; route: Route };

/** The route of each model; refused where one has none. */
export function findCandidates(
  prices: readonly [Price, ...Price[]],
  dialect: DialectName,
  env: Env,
): [Candidate, ...Candidate[]] | Refusal {
  const candidates: Candidate[] = [];
  for (const price of prices) {
    const route = findRoute(price.providerId, dialect, env);
    if (isRefusal(route)) return route;
    candidates.push({ price, route });
  }
  return candidates as [Candidate, ...Candidate[]];
}

/** The provider's endpoint for a dialect; refused where it has none, or is not set up here. */
export function findRoute(
  providerId: string,
  dialect: DialectName,
  env: Env,
): Route | Refusal {
  const provider = findProvider(providerId);
  const endpoint = provider.endpoints[dialect];
  if (endpoint === undefined) {
    return {
      code: "PROVIDER_NOT_ENABLED",
      message: `${provider.name} cannot be reached over this API. ` +
        "GET /v1/models lists what can be used, and over which.",
      provider: providerId,
    };
  }
  const { key, ...settings } = env.provider(providerId);
  const prefix = providerId.toUpperCase().replace(/[^A-Z0-9]/g, "_");
  // One that takes no key, such as a server of one's own, is enabled by saying where it is.
  const needsAddress = provider.baseUrl === null || (!provider.keyRequired && key === undefined);
  const missing = [
    ...(key === undefined && provider.keyRequired ? [`${prefix}_API_KEY`] : []),
    ...(settings.baseUrl === undefined && needsAddress ? [`${prefix}_BASE_URL`] : []),
  ];
  if (missing.length > 0) {
    return {
      code: "PROVIDER_NOT_ENABLED",
      message: `${provider.name} is not enabled here. Use another model, or ask the operator ` +
        `to set ${missing.join(" and ")}.`,
      provider: providerId,
    };
  }
  return { provider, endpoint, settings: { ...settings, key: key ?? "" } };
}
