/**
 * Whether anybody listens at a project's address, found out before the first request. A fetch that waits
 * for a reply cannot tell a host that is not there from a ledger that is being read for two minutes.
 */

type Connect = (options: Deno.ConnectOptions) => Promise<{ close(): void }>;

const CONNECT_MS_MAX = 10_000;

/** `fetch`, whose first request fails within seconds where no connection can be made. */
export function fetchWhereReached(
  url: string,
  connect: Connect = Deno.connect,
  timeoutMs = CONNECT_MS_MAX,
): typeof fetch {
  let reached: Promise<void> | undefined;
  return async (input, init) => {
    reached ??= isProxied() ? Promise.resolve() : reach(new URL(url), connect, timeoutMs);
    await reached;
    return await fetch(input, init);
  };
}

/** Behind a proxy, no connection of one's own need be possible. */
function isProxied(): boolean {
  return ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"].some((name) =>
    Deno.env.get(name) !== undefined || Deno.env.get(name.toLowerCase()) !== undefined
  );
}

async function reach(
  { hostname, port, protocol }: URL,
  connect: Connect,
  timeoutMs: number,
): Promise<void> {
  const connection = await connect({
    hostname: hostname.replace(/^\[|\]$/g, ""),
    port: Number(port || (protocol === "https:" ? 443 : 80)),
    signal: AbortSignal.timeout(timeoutMs),
  });
  connection.close();
}
