import { createLedger } from "../../shared/credit/ledger.ts";

type Call = { url: string; headers: Headers; args: Record<string, unknown> };

/** A Data API that answers one thing, and what it was asked. */
export function fakeDataApi(answer: () => Response | Promise<Response>, timeoutMs?: number) {
  const calls: Call[] = [];
  const fetch = (async (input: RequestInfo | URL, init?: RequestInit) => {
    const request = new Request(input, init);
    calls.push({ url: request.url, headers: request.headers, args: await request.json() });
    return await Promise.race([
      answer(),
      new Promise<never>((_, reject) => {
        init?.signal?.addEventListener("abort", () => reject(init.signal!.reason));
      }),
    ]);
  }) as typeof globalThis.fetch;
  const ledger = createLedger({
    url: "http://project.test",
    secretKey: "sb_secret_test",
    fetch,
    ...(timeoutMs && { timeoutMs }),
  });
  return { ledger, calls };
}

/** A refusal as PostgREST passes it on. */
export function refused(status: number, code: string, evidence: object = {}): () => Response {
  return () =>
    Response.json({
      code: `PT${status}`,
      message: "What happened.",
      hint: "What to do.",
      details: JSON.stringify({ code, ...evidence }),
    }, { status });
}
