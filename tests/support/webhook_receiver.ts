/** A webhook's receiver on this machine, which keeps what arrives. */
import { Webhook } from "standardwebhooks";

/** A secret that a test signs with; no other one is like it. */
export function newWebhookSecret(): string {
  return `whsec_${btoa(crypto.randomUUID())}`;
}

export interface Arrived {
  headers: Headers;
  body: string;
  text: string;
  metadata: { event_type: string; event_payload: Record<string, unknown> };
}

export interface WebhookReceiver extends AsyncDisposable {
  url: string;
  arrived: Arrived[];
  /** What the next requests are answered with, then 200 again. `hang`: with nothing. */
  answerNext(...answers: (number | "hang")[]): void;
}

/** Starts a receiver on a free port. */
export function startWebhookReceiver(): WebhookReceiver {
  const arrived: Arrived[] = [];
  const answers: (number | "hang")[] = [];
  const closing = new AbortController();
  const server: Deno.HttpServer<Deno.NetAddr> = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {}, signal: closing.signal },
    async (request) => {
      const body = await request.text();
      arrived.push({ headers: request.headers, body, ...JSON.parse(body) });
      const answer = answers.shift() ?? 200;
      if (answer === "hang") await new Promise((resolve) => request.signal.onabort = resolve);
      return answer === 302
        ? Response.redirect(`http://127.0.0.1:${server.addr.port}/elsewhere`, 302)
        : new Response("ok", { status: answer === "hang" ? 500 : answer });
    },
  );
  return {
    url: `http://127.0.0.1:${server.addr.port}/services/T0/B0/secret-of-slack`,
    arrived,
    answerNext: (...next) => void answers.push(...next),
    async [Symbol.asyncDispose]() {
      closing.abort();
      await server.finished;
    },
  };
}

/** Throws unless the message was signed with the secret, a moment ago. */
export function verifySignature(message: Arrived, secret: string): void {
  new Webhook(secret).verify(message.body, Object.fromEntries(message.headers));
}
