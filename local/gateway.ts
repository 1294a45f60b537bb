/**
 * The one door of the local stack: `/rest/v1` and `/auth/v1` in this process, `/functions/v1` by
 * the functions process, `/` from the page.
 */
import { listenOnFreePort } from "./free_port.ts";
import { forwardToFunctions, FUNCTIONS_PATH, notThere } from "./functions_proxy.ts";
import type { PageSettings } from "../web/page/state/types.ts";
import { createPlatformApi, type PlatformApi, type PlatformApiOptions } from "./platform_api.ts";
import { openToPages } from "./open_to_pages.ts";
import type { Page } from "./page.ts";

export interface GatewayOptions extends Omit<PlatformApiOptions, "siteUrl"> {
  /** Where the functions process listens at this moment, `http://127.0.0.1:<port>`. */
  readonly functionsUrl: () => string;
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
  /** Connects to the database, and answers from then on; until then everything is a 503. */
  open(options: GatewayOptions): Promise<void>;
  /** Lets requests in flight end for at most `graceMs`, then closes. Safe to call twice. */
  close(graceMs?: number): Promise<void>;
}

type Respond = (request: Request, peerAddress: string) => Promise<Response>;

const CLOSE_GRACE_MS = 5_000;

/**
 * Takes the port, before anything else is done: whether it can be had decides everything.
 * @param port TCP port on 127.0.0.1; a free one by default.
 * @throws Deno.errors.AddrInUse when the port is taken.
 */
export function startGateway(port?: number): Gateway {
  let respond: Respond = () =>
    Promise.resolve(notThere("The stack is starting: try again in a moment."));
  let api: PlatformApi | undefined;
  let closing: Promise<void> | undefined;
  const listen = (port: number) =>
    Deno.serve({
      hostname: "127.0.0.1",
      port,
      onListen: () => {},
      onError: (error) => {
        console.error(`gateway: ${error instanceof Error ? error.message : error}`);
        return Response.json({ message: "Internal error of the local gateway" }, { status: 500 });
      },
    }, (request, info) => respond(request, info.remoteAddr.hostname));
  const server = port === undefined ? listenOnFreePort(listen) : listen(port);
  const url = `http://127.0.0.1:${server.addr.port}`;

  const close = async (graceMs: number) => {
    const timer = Promise.withResolvers<void>();
    const id = setTimeout(timer.resolve, graceMs);
    await Promise.race([server.shutdown(), timer.promise]);
    clearTimeout(id);
    await api?.close();
  };
  return {
    url,
    async open(options) {
      api = await createPlatformApi({ ...options, siteUrl: url });
      respond = respondWith(api, options);
    },
    close: (graceMs = CLOSE_GRACE_MS) => closing ??= close(graceMs),
  };
}

function respondWith(api: PlatformApi, options: GatewayOptions): Respond {
  return async (request, peerAddress) => {
    const { pathname, origin } = new URL(request.url);
    if (isBelow(pathname, "/rest/v1") || isBelow(pathname, "/auth/v1")) {
      return await openToPages(request, (request) => api.fetch(request, peerAddress));
    }
    if (isBelow(pathname, FUNCTIONS_PATH)) {
      return await forwardToFunctions(request, options.functionsUrl(), peerAddress);
    }
    if (pathname === "/health") return Response.json({ status: "ok" });
    if (pathname === "/settings.json" && options.pageSettings !== undefined) {
      return Response.json(options.pageSettings(origin));
    }
    return await options.page.fetch(request);
  };
}

function isBelow(pathname: string, prefix: string): boolean {
  return pathname === prefix || pathname.startsWith(`${prefix}/`);
}
