import { COUNTING_OF_DIALECT, type CountingRules } from "./counting_rules.ts";
import type { DialectName } from "./dialect.ts";
import type { Endpoint, Provider } from "./provider.ts";
import { compatibleProvider, MODEL_HOSTS } from "./provider_rows/model_hosts.ts";
import { MODEL_MAKERS } from "./provider_rows/model_makers.ts";

export type { AbortPolicy, Endpoint, KeyHeader, Provider } from "./provider.ts";

const ROWS: readonly Provider[] = [...MODEL_MAKERS, ...MODEL_HOSTS];

/** The providers that Farebox knows, by id. */
export const PROVIDERS: ReadonlyMap<string, Provider> = new Map(ROWS.map((row) => [row.id, row]));

const BY_ALIAS: ReadonlyMap<string, Provider> = new Map(
  ROWS.flatMap((row) => row.aliases.map((alias) => [alias, row])),
);

/**
 * The provider of this name: a row by its id or another name of it, else one that speaks OpenAI's
 * dialects at whatever address its `<ID>_BASE_URL` says. Never fails.
 */
export function findProvider(name: string): Provider {
  return PROVIDERS.get(name) ?? BY_ALIAS.get(name) ?? compatibleProvider(name);
}

/** How a provider counts in a dialect; one without a row for it counts by the dialect's own rule. */
export function countingRules(provider: Provider, dialect: DialectName): CountingRules {
  return provider.endpoints[dialect]?.counting ?? COUNTING_OF_DIALECT[dialect];
}

/**
 * Where a request goes.
 *
 * @param baseUrl the override of `<ID>_BASE_URL`, or `null` for the provider's own. SDKs differ in what
 * they take for a base, so each of these is understood: with a slash at the end, with the version or
 * the compatibility path that another SDK has in it, a leading part of the provider's own path, such
 * as a bare host, and a query, which stays at the end.
 * @param pathSuffix what a dialect has after the path, query included, such as Gemini's model.
 * @throws {TypeError} where the provider has no address of its own and none is given.
 */
export function endpointUrl(
  provider: Provider,
  endpoint: Endpoint,
  baseUrl: string | null,
  pathSuffix = "",
): string {
  const given = baseUrl ?? provider.baseUrl;
  if (given === null) {
    throw new TypeError(
      `Cannot reach ${provider.name} without an address: set the variable of its base URL.`,
    );
  }
  const base = new URL(given);
  const path = basePath(base.pathname.replace(/\/+$/, ""), provider, endpoint);
  const [suffixPath = "", suffixQuery = ""] = pathSuffix.split("?", 2);
  const query = [base.search.slice(1), suffixQuery].filter((part) => part !== "").join("&");
  return base.origin + path + endpoint.path + suffixPath + (query === "" ? "" : `?${query}`);
}

/** The path that the endpoint's own goes on from. */
function basePath(path: string, provider: Provider, endpoint: Endpoint): string {
  const replaced = endpoint.replaces.find((tail) => path.endsWith(tail));
  if (replaced !== undefined) return path.slice(0, -replaced.length);
  const own = provider.baseUrl === null ? "" : new URL(provider.baseUrl).pathname;
  return own.startsWith(`${path}/`) ? own.replace(/\/+$/, "") : path;
}

/** The headers of a request to an endpoint: the key where the provider takes it, and its own. */
export function endpointHeaders(endpoint: Endpoint, key: string): Record<string, string> {
  if (key === "") return { ...endpoint.headers };
  return endpoint.keyHeader === "authorization: Bearer"
    ? { ...endpoint.headers, authorization: `Bearer ${key}` }
    : { ...endpoint.headers, [endpoint.keyHeader]: key };
}
