/** The requests that came, for tests to look at. */
import type { Ending } from "./body_stream.ts";

/** A request as it came, and how it ended. */
export interface DemoRequest {
  readonly requestId: string;
  readonly path: string;
  /** Without credentials. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: unknown;
  /** `cancelled`: the client left before the end. */
  state: "running" | "refused" | Ending;
  tokensSent: number;
}

const REQUESTS_KEPT = 1_000;
const CREDENTIALS = ["authorization", "x-api-key", "x-goog-api-key", "api-key", "cookie"];

export class RequestLog {
  /** The latest requests, oldest first. */
  readonly requests: DemoRequest[] = [];

  keep(request: Request, requestId: string, body: unknown): DemoRequest {
    const headers = Object.fromEntries(request.headers);
    for (const name of CREDENTIALS) delete headers[name];
    const { pathname: path } = new URL(request.url);
    const record: DemoRequest = {
      requestId,
      path,
      headers,
      body,
      state: "running",
      tokensSent: 0,
    };
    this.requests.push(record);
    if (this.requests.length > REQUESTS_KEPT) this.requests.shift();
    return record;
  }

  clear(): void {
    this.requests.length = 0;
  }
}
