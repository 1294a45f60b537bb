/** Where a model's requests go. */
import type { Env, ProviderEnv } from "../../../shared/edge/env.ts";
import type { Refusal } from "../../../shared/edge/refusal.ts";
import type { DialectName } from "../../../shared/llm/dialect.ts";
import { type Endpoint, type Provider, PROVIDERS } from "../../../shared/llm/providers.ts";

export type Route = {
  provider: Provider;
  endpoint: Endpoint;
  settings: ProviderEnv & { key: string };
};

/** The provider's endpoint for a dialect; refused where it has none, or has no key here. */
export function findRoute(
  providerId: string,
  dialect: DialectName,
  env: Env,
): Route | Refusal {
  const provider = PROVIDERS.get(providerId);
  const endpoint = provider?.endpoints[dialect];
  if (provider === undefined || endpoint === undefined) {
    return {
      code: "PROVIDER_NOT_ENABLED",
      message: `${provider?.name ?? providerId} cannot be reached over this API. ` +
        "GET /v1/models lists what can be used.",
      provider: providerId,
    };
  }
  const { key, ...settings } = env.provider(providerId);
  if (key === undefined) {
    const variable = `${providerId.toUpperCase().replace(/[^A-Z0-9]/g, "_")}_API_KEY`;
    return {
      code: "PROVIDER_NOT_ENABLED",
      message: `${provider.name} is not enabled here. Use another model, or ask the operator ` +
        `to set ${variable}.`,
      provider: providerId,
    };
  }
  return { provider, endpoint, settings: { ...settings, key } };
}
