/** One request from its body to its last byte, the same for every dialect. */
import { bodyStream, type Ending, type Step } from "./body_stream.ts";
import { type Answer, decideAnswer } from "./decide_answer.ts";
import { type DemoDialect, isErrorAnswer, type Speech, type Visit } from "./dialect.ts";
import { failureHeaders, OrderedFailures } from "./ordered_failure.ts";
import { PromptCache } from "./prompt_cache.ts";
import { rateLimitHeaders } from "./rate_limit_headers.ts";
import type { DemoRequest, RequestLog } from "./request_log.ts";
import { streamSteps } from "./stream_steps.ts";
import { type Timing, waited } from "./timing.ts";
import { errorResponse } from "./whole_response.ts";

export class Answerer {
  readonly #log: RequestLog;
  readonly #timing: Timing;
  readonly #cache = new PromptCache();
  readonly #failures = new OrderedFailures();

  constructor(log: RequestLog, timing: Timing) {
    this.#log = log;
    this.#timing = timing;
  }

  async answer(request: Request, dialect: DemoDialect, visit: Visit): Promise<Response> {
    let body: unknown;
    try {
      body = await request.json();
    } catch {
      return errorResponse(dialect.unreadable(visit));
    }
    const record = this.#log.keep(request, visit.requestId, body);
    const read = dialect.read(body, visit);
    if (isErrorAnswer(read)) {
      record.state = "refused";
      return errorResponse(read);
    }
    const limits = rateLimitHeaders(visit.provider, read.ask.promptTokens, Date.now());
    const failure = this.#failures.take(read.ask);
    if (failure !== null) {
      record.state = "refused";
      const { retry_after: retryAfter } = read.ask.script;
      const error = dialect.ordered(failure, visit, retryAfter);
      const headers = failureHeaders(error.headers, retryAfter);
      return errorResponse({ ...error, headers: { ...limits, ...headers } });
    }
    const answer = decideAnswer(read.ask, read.useCache(this.#cache), this.#timing);
    const speech = read.speak(answer);
    const headers = { ...limits, ...speech.headers };
    return read.ask.isStreamed
      ? streamed(answer, speech, record, headers)
      : await whole(answer, speech, record, headers, request.signal);
  }
}

function streamed(
  answer: Answer,
  speech: Speech,
  record: DemoRequest,
  headers: Record<string, string>,
): Response {
  const steps = streamSteps(answer, speech.frames, () => record.tokensSent++);
  return respond(steps, answer, speech, record, {
    ...headers,
    "content-type": speech.streamType,
    "cache-control": "no-cache",
  });
}

/** Sent in one piece when the last token would have come: headers wait for it too. */
async function whole(
  answer: Answer,
  speech: Speech,
  record: DemoRequest,
  headers: Record<string, string>,
  signal: AbortSignal,
): Promise<Response> {
  const { script } = answer.ask;
  const waitMs = answer.firstTokenMs + answer.pieces.length * answer.tokenMs +
    (script.stall_ms ?? 0);
  if (!await waited(waitMs, signal)) record.state = "cancelled";
  record.tokensSent = answer.pieces.length;
  const steps: Step[] = script.drop_after_tokens === undefined
    ? [{ kind: "send", text: speech.whole(), waitMs: 0 }]
    : [{ kind: "drop" }];
  return respond(steps.values(), answer, speech, record, {
    ...headers,
    "content-type": "application/json",
  });
}

function respond(
  steps: Iterator<Step>,
  { ask: { script } }: Answer,
  speech: Speech,
  record: DemoRequest,
  headers: Record<string, string>,
): Response {
  const layout = {
    crlf: script.crlf ?? speech.crlf ?? false,
    splitBytes: script.split_bytes ?? null,
  };
  const onEnd = (ending: Ending) => void (record.state = ending);
  return new Response(bodyStream(steps, layout, onEnd), { headers });
}
