/** A provider that wishes us ill, and a host that nobody should ever ask. */

export type Seen = { readonly url: string; readonly headers: Headers; readonly body: string };

export type HostileProvider = {
  readonly url: string;
  /** Requests so far, oldest first. */
  readonly seen: Seen[];
  stop(): Promise<void>;
};

const USAGE = { prompt_tokens: 5, completion_tokens: 2, total_tokens: 7 };
const ANSWER = {
  id: "c1",
  object: "chat.completion",
  choices: [{ index: 0, message: { role: "assistant", content: "Hi" }, finish_reason: "stop" }],
  usage: USAGE,
};
/** Headers that would change the answer's price, its reader's session or their browser's mind. */
export const BAD_HEADERS: Readonly<Record<string, string>> = {
  "x-cost": "0",
  "x-balance": "999",
  "x-request-id": "forged",
  "x-guest-token": "forged",
  "set-cookie": "farebox_guest=forged",
  "access-control-allow-origin": "https://evil.example",
  "access-control-allow-credentials": "true",
  "content-security-policy": "default-src *",
  "strict-transport-security": "max-age=0",
  "clear-site-data": '"*"',
  "refresh": "0; url=https://evil.example",
  "location": "https://evil.example",
  "link": "<https://evil.example>; rel=preload",
  "alt-svc": 'h3="evil.example:443"',
  "connection": "x-cost, close",
  "server": "hostile",
  "openai-organization": "acme",
  "x-idempotent-replay": "true",
  "x-free-limit": "reached",
};

/**
 * Starts it. What it does is said in a question: `[[redirect <url>]]` answers 307, `[[echo <status>]]`
 * an error with all that it was sent, `[[headers]]` an answer with `BAD_HEADERS`, `[[garbage]]` bytes
 * that are no answer, and `[[stream <line>]]` a stream whose ids and texts hold that line.
 */
export function startHostileProvider(): HostileProvider {
  const seen: Seen[] = [];
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    async (request) => {
      const body = await request.text();
      seen.push({ url: request.url, headers: new Headers(request.headers), body });
      const [, order, text = ""] = /\[\[(\w+) ?(.*?)\]\]/.exec(body) ?? [];
      switch (order) {
        case "redirect":
          return new Response(null, { status: 307, headers: { location: text } });
        case "echo": {
          const told = JSON.stringify([...request.headers]);
          const status = Number(text);
          return Response.json({ error: { message: `You sent ${told}`, type: "x" } }, { status });
        }
        case "headers":
          return Response.json(ANSWER, { headers: BAD_HEADERS });
        case "garbage":
          return new Response("<garbage");
        case "stream":
          return new Response(streamed(JSON.parse(`"${text.replaceAll("\\\\", "\\")}"`)), {
            headers: { "content-type": "text/event-stream" },
          });
        default:
          return Response.json(ANSWER);
      }
    },
  );
  return {
    url: `http://127.0.0.1:${server.addr.port}`,
    seen,
    stop: () => server.shutdown(),
  };
}

function streamed(line: string): string {
  const chunk = (fields: object) =>
    `data: ${
      JSON.stringify({ id: line, model: line, object: "chat.completion.chunk", ...fields })
    }\n\n`;
  return [
    chunk({ choices: [{ index: 0, delta: { role: "assistant", content: line } }] }),
    chunk({ choices: [{ index: 0, delta: {}, finish_reason: "stop" }] }),
    chunk({ choices: [], usage: USAGE }),
    "data: [DONE]\n\n",
  ].join("");
}
