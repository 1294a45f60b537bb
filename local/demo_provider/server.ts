/**
 * The demo provider: an HTTP server that speaks LLM providers' wire formats, one file a dialect,
 * with realistic timing and token counts, and fails in the ways that a script orders (script.ts).
 *
 * Tests that run in another process read `GET /_demo/requests`: what was asked and how it ended.
 */
import { PROVIDERS } from "../../shared/llm/providers.ts";
import { bodyStream, type Ending, type Step } from "./body_stream.ts";
import { DemoModels } from "./models.ts";
import { composeChatAnswer, streamSteps, type Timing, wholeAnswer } from "./openai_chat.ts";
import { isOpenAiError, readChatRequest } from "./openai_chat_request.ts";
import {
  errorBody,
  invalid,
  missingKey,
  modelNotFound,
  ordered,
  wrongKey,
} from "./openai_errors.ts";
import type { OpenAiError } from "./openai_errors.ts";
import { PromptCache } from "./prompt_cache.ts";

export interface DemoProviderOptions {
  /** TCP port on 127.0.0.1; a free one by default. */
  readonly port?: number;
  /** `REALISTIC` by default; `AT_ONCE` for tests. */
  readonly timing?: Timing;
  /** More model names to answer to. */
  readonly models?: readonly string[];
}

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

export interface DemoProvider {
  /**
   * `http://127.0.0.1:<port>`. What comes before a dialect's path is free: `<url>/v1` is an OpenAI
   * base URL, and so is `<url>/groq/openai/v1`, by which requests say whom they mean.
   */
  readonly url: string;
  /** The latest requests, oldest first. */
  readonly requests: readonly DemoRequest[];
  close(): Promise<void>;
}

export const REALISTIC: Timing = { firstTokenMsMin: 150, firstTokenMsMax: 400, tokenMs: 20 };
export const AT_ONCE: Timing = { firstTokenMsMin: 0, firstTokenMsMax: 0, tokenMs: 0 };

const REQUESTS_KEPT = 1_000;

export function startDemoProvider(options: DemoProviderOptions = {}): DemoProvider {
  const requests: DemoRequest[] = [];
  const models = new DemoModels(options.models);
  const timing = options.timing ?? REALISTIC;
  const cache = new PromptCache();
  const closing = new AbortController();

  const server = Deno.serve({
    hostname: "127.0.0.1",
    port: options.port ?? 0,
    onListen: () => {},
    signal: closing.signal,
  }, async (request) => {
    const { pathname } = new URL(request.url);
    if (pathname === "/_demo/requests") {
      if (request.method === "DELETE") requests.length = 0;
      return Response.json(requests);
    }
    const requestId = `req_${crypto.randomUUID().replaceAll("-", "")}`;
    const startedAt = Date.now();
    const response = await route(request, pathname, requestId);
    response.headers.set("x-request-id", requestId);
    response.headers.set("openai-version", "2020-10-01");
    response.headers.set("openai-processing-ms", String(Date.now() - startedAt));
    return response;
  });

  async function route(request: Request, pathname: string, requestId: string): Promise<Response> {
    const key = request.headers.get("authorization")?.match(/^Bearer\s+(\S+)$/)?.[1];
    if (key === undefined) return refuse(missingKey());
    // So that a test can see what a revoked key looks like to the user.
    if (key.includes("invalid")) return refuse(wrongKey(key));
    const route = `${request.method} ${pathname}`;
    if (/^POST .*\/chat\/completions$/.test(route)) return await chat(request, requestId, key);
    if (/^GET .*\/models$/.test(route)) return listModels();
    const model = /^GET .*\/models\/(.+)$/.exec(route)?.[1];
    if (model !== undefined) {
      return models.find(model) ? Response.json(modelObject(model)) : refuse(modelNotFound(model));
    }
    return refuse({ ...invalid(`Invalid URL (${route})`), status: 404 });
  }

  async function chat(request: Request, requestId: string, key: string): Promise<Response> {
    let body: unknown;
    try {
      body = await request.json();
    } catch {
      return refuse(invalid("We could not parse the JSON body of your request."));
    }
    const record = keep(request, requestId, body);
    const alwaysReportsUsage = reportsUsageUnasked(record.path);
    const read = readChatRequest(body, models, alwaysReportsUsage);
    if (isOpenAiError(read) || read.script.fail !== undefined) {
      record.state = "refused";
      return refuse(isOpenAiError(read) ? read : ordered(read.script.fail!, key));
    }
    const answer = composeChatAnswer(read, cache, timing);
    const onEnd = (ending: Ending) => void (record.state = ending);
    if (read.isStreamed) {
      const steps = streamSteps(answer, () => record.tokensSent++);
      return new Response(bodyStream(steps, read.script, onEnd), {
        headers: { "content-type": "text/event-stream; charset=utf-8" },
      });
    }
    // Sent in one piece when the last token would have come: headers wait for it too.
    const waitMs = answer.firstTokenMs + answer.tokens.length * answer.tokenMs +
      (read.script.stall_ms ?? 0);
    if (!await waited(waitMs, request.signal)) onEnd("cancelled");
    record.tokensSent = answer.tokens.length;
    const steps: Step[] = read.script.drop_after_tokens === undefined
      ? [{ kind: "send", text: JSON.stringify(wholeAnswer(answer), null, 2), waitMs: 0 }]
      : [{ kind: "drop" }];
    return new Response(bodyStream(steps.values(), read.script, onEnd), {
      headers: { "content-type": "application/json" },
    });
  }

  function keep(request: Request, requestId: string, body: unknown): DemoRequest {
    const headers = Object.fromEntries(request.headers);
    delete headers.authorization;
    const { pathname: path } = new URL(request.url);
    const record: DemoRequest = {
      requestId,
      path,
      headers,
      body,
      state: "running",
      tokensSent: 0,
    };
    requests.push(record);
    if (requests.length > REQUESTS_KEPT) requests.shift();
    return record;
  }

  function listModels(): Response {
    return Response.json({ object: "list", data: models.list().map(modelObject) });
  }

  return {
    url: `http://127.0.0.1:${server.addr.port}`,
    requests,
    close: async () => {
      closing.abort();
      await server.finished;
    },
  };
}

/** Most providers but OpenAI report usage in every stream; Mistral even refuses to be asked. */
function reportsUsageUnasked(path: string): boolean {
  const endpoint = PROVIDERS.get(path.split("/")[1] ?? "")?.endpoints["openai-chat"];
  return endpoint !== undefined && endpoint.usageSwitch !== "required";
}

function modelObject(id: string): unknown {
  return { id, object: "model", created: 1_715_367_049, owned_by: "system" };
}

function refuse(error: OpenAiError): Response {
  return Response.json(errorBody(error), {
    status: error.status,
    ...(error.headers === undefined ? {} : { headers: error.headers }),
  });
}

/** False when the client left meanwhile. */
async function waited(ms: number, signal: AbortSignal): Promise<boolean> {
  if (ms > 0 && !signal.aborted) {
    const over = Promise.withResolvers<void>();
    const timer = setTimeout(over.resolve, ms);
    signal.addEventListener("abort", () => over.resolve(), { once: true });
    await over.promise;
    clearTimeout(timer);
  }
  return !signal.aborted;
}
