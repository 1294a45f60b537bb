/**
 * The one door of the local stack: `/rest/v1` and `/auth/v1` in this process, `/functions/v1` by
 * the functions process, `/` from the page.
 */
import { forwardToFunctions, FUNCTIONS_PATH } from "./functions_proxy.ts";
import type { PageSettings } from "../web/page/state/types.ts";
import { createPlatformApi, type PlatformApiOptions } from "./platform_api.ts";
import { openToPages } from "./open_to_pages.ts";
import type { Page } from "./page.ts";

export interface GatewayOptions extends Omit<PlatformApiOptions, "siteUrl"> {
  /** TCP port on 127.0.0.1; 0 takes a free one. */
  readonly port: number;
  /** Where the functions process listens, `http://127.0.0.1:<port>`. */
  readonly functionsUrl: string;
  readonly page: Page;
  /**
   * What the page asks for on start. `origin` is the address that the browser has this stack by,
   * `http://localhost:<port>` perhaps: the page may ask no other.
   */
  readonly pageSettings?: (origin: string) => PageSettings;
}

export interface Gateway {
  /** `http://127.0.0.1:<port>` */
  readonly url: string;
  /** Lets requests in flight end for at most `graceMs`, then closes. */
  close(graceMs?: number): Promise<void>;
}

const CLOSE_GRACE_MS = 5_000;

/**
 * Starts the gateway.
 * @throws Deno.errors.AddrInUse when the port is taken; nothing is left running then.
 */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  let respond: (request: Request, peerAddress: string) => Promise<Response> = () =>
    Promise.resolve(Response.json({ status: "starting" }, { status: 503 }));
  // The port first: whether it can be had decides everything else.
  const server = Deno.serve({
    hostname: "127.0.0.1",
    port: options.port,
    onListen: () => {},
    onError: (error) => {
      console.error(`gateway: ${error instanceof Error ? error.message : error}`);
      return Response.json({ message: "Internal error of the local gateway" }, { status: 500 });
    },
  }, (request, info) => respond(request, info.remoteAddr.hostname));
  const url = `http://127.0.0.1:${server.addr.port}`;
  try {
    const api = await createPlatformApi({ ...options, siteUrl: url });
    respond = async (request, peerAddress) => {
      const { pathname, origin } = new URL(request.url);
      if (isBelow(pathname, "/rest/v1") || isBelow(pathname, "/auth/v1")) {
        return await openToPages(request, (request) => api.fetch(request, peerAddress));
      }
      if (isBelow(pathname, FUNCTIONS_PATH)) {
        return await forwardToFunctions(request, options.functionsUrl, peerAddress);
      }
      if (pathname === "/health") return Response.json({ status: "ok" });
      if (pathname === "/settings.json" && options.pageSettings !== undefined) {
        return Response.json(options.pageSettings(origin));
      }
      return await options.page.fetch(request);
    };
    return {
      url,
      close: async (graceMs = CLOSE_GRACE_MS) => {
        const timer = Promise.withResolvers<void>();
        const id = setTimeout(timer.resolve, graceMs);
        await Promise.race([server.shutdown(), timer.promise]);
        clearTimeout(id);
        await api.close();
      },
    };
  } catch (error) {
    await server.shutdown();
    throw error;
  }
}

function isBelow(pathname: string, prefix: string): boolean {
  return pathname === prefix || pathname.startsWith(`${prefix}/`);
}
