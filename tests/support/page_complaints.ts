/** What a page must not do: log errors, leave errors uncaught, or ask hosts that are not its own. */
import type { BrowserContext, ConsoleMessage } from "playwright-core";
import type { PageOptions } from "./browser.ts";

const FAILED_RESOURCE = /^Failed to load resource: the server responded with a status of (\d+)/;

/** Watches every page of `context`, popups too. @returns what there was to complain of so far. */
export function watchPages(
  context: BrowserContext,
  stackUrl: string,
  options: PageOptions,
): () => readonly string[] {
  const origins = [stackUrl, ...(options.alsoAsks ?? [])].map((url) => new URL(url).origin);
  const found: string[] = [];
  const complain = (text: string) => {
    if (!options.expectsConsoleErrors?.some((expected) => expected.test(text))) found.push(text);
  };
  context.on("console", (message) => {
    const text = `console ${message.type()}: ${message.text()} (${message.location().url})`;
    const isBad = message.type() === "error" || message.type() === "warning";
    if (isBad && !isExpectedStatus(message, origins, options)) complain(text);
  });
  context.on("weberror", (webError) => {
    const error = webError.error();
    complain(`uncaught: ${error.stack ?? error.message}`);
  });
  context.on("request", (request) => {
    if (!isOwn(request.url(), origins)) found.push(`asked ${request.url()}`);
  });
  context.on("page", (page) => {
    page.on("websocket", (socket) => {
      if (!isOwn(socket.url(), origins)) found.push(`asked ${socket.url()}`);
    });
    page.on("crash", () => void found.push("the page crashed"));
  });
  return () => found;
}

function isOwn(address: string, origins: readonly string[]): boolean {
  const url = new URL(address);
  if (["data:", "blob:", "about:"].includes(url.protocol)) return true;
  return origins.includes(`${url.protocol.replace(/^ws/, "http")}//${url.host}`);
}

function isExpectedStatus(
  message: ConsoleMessage,
  origins: readonly string[],
  { expectsStatus = [] }: PageOptions,
): boolean {
  const status = FAILED_RESOURCE.exec(message.text())?.[1];
  return status !== undefined && expectsStatus.includes(Number(status)) &&
    isOwn(message.location().url, origins);
}
