/** Endpoints of providers for tests. */
import type { DialectName } from "../../shared/llm/dialect.ts";
import {
  type Endpoint,
  endpointUrl,
  findProvider,
  type Provider,
} from "../../shared/llm/providers.ts";

export function row(id: string, dialect: DialectName = "openai-chat"): [Provider, Endpoint] {
  const provider = findProvider(id);
  const endpoint = provider.endpoints[dialect];
  if (endpoint === undefined) throw new Error(`${id} does not speak ${dialect}`);
  return [provider, endpoint];
}

export const url = (id: string, baseUrl: string | null = null) => endpointUrl(...row(id), baseUrl);
export const urlOf = (id: string, dialect: DialectName, baseUrl: string | null = null) =>
  endpointUrl(...row(id, dialect), baseUrl);
