import { assert, assertEquals, assertInstanceOf, assertRejects } from "@std/assert";
import Anthropic from "@anthropic-ai/sdk";
import { DEFAULT_COUNTING } from "../../shared/llm/counting_rules.ts";
import { ANTHROPIC_MESSAGES } from "../../shared/llm/dialects/anthropic_messages.ts";
import { createEventSplitter } from "../../shared/llm/sse_events.ts";
import {
  block,
  delta,
  end,
  start,
  startUsage,
  stopBlock,
  stream,
  text,
  textBlock,
} from "./anthropic_messages_streams.ts";
import { concat, encode } from "./chunks.ts";

/** Runs the official SDK against a local server that answers as told. */
async function withClient(
  answer: () => Response,
  use: (client: Anthropic) => Promise<void>,
): Promise<void> {
  const server = Deno.serve({ port: 0, onListen: () => {} }, answer);
  const baseURL = `http://localhost:${server.addr.port}`;
  try {
    await use(new Anthropic({ apiKey: "test", baseURL, maxRetries: 0 }));
  } finally {
    await server.shutdown();
  }
}

const events = (bytes: Uint8Array) => () =>
  new Response(new Blob([bytes as BlobPart]), { headers: { "content-type": "text/event-stream" } });

const ask = {
  model: "anthropic:claude-sonnet-4-5",
  max_tokens: 100,
  messages: [{ role: "user" as const, content: "Hello" }],
};
const message = "Your balance is too low. Top up to go on.";

Deno.test("the envelope makes Anthropic's SDK raise the class of the status, with our code", async () => {
  const classes = [
    [400, Anthropic.BadRequestError, "invalid_request_error"],
    [401, Anthropic.AuthenticationError, "authentication_error"],
    [402, Anthropic.APIError, "billing_error"],
    [403, Anthropic.PermissionDeniedError, "permission_error"],
    [404, Anthropic.NotFoundError, "not_found_error"],
    [409, Anthropic.ConflictError, "invalid_request_error"],
    [413, Anthropic.APIError, "request_too_large"],
    [429, Anthropic.RateLimitError, "rate_limit_error"],
    [503, Anthropic.InternalServerError, "api_error"],
    [504, Anthropic.InternalServerError, "timeout_error"],
    [529, Anthropic.InternalServerError, "overloaded_error"],
  ] as const;
  for (const [status, ErrorClass, type] of classes) {
    const body = ANTHROPIC_MESSAGES.errorBody({
      status,
      code: "SOME_CODE",
      message,
      param: "tools",
    });
    await withClient(() => Response.json(body, { status }), async (client) => {
      const error = await client.messages.create(ask).then(() => null, (error) => error);
      assertInstanceOf(error, ErrorClass);
      assertEquals([error.status, error.type], [status, type]);
      assertEquals([error.apiMessage, error.errorCode], [message, "SOME_CODE"]);
      assertEquals(error.details.param, "tools");
    });
  }
});

Deno.test("a thread is refused by Anthropic's own code, which the SDK's tool runner goes on without", () => {
  const refusal = { status: 400, code: "INVALID_REQUEST", message, param: "thread" };
  assertEquals(ANTHROPIC_MESSAGES.errorBody(refusal), {
    type: "error",
    error: {
      type: "invalid_request_error",
      message,
      details: {
        error_code: "thread_unsupported_request",
        unsupported: ["thread"],
        param: "thread",
      },
    },
  });
});

Deno.test("an error at the end of a stream is raised out of the SDK's loop over events", async () => {
  const error = { status: 502, code: "UPSTREAM_ERROR", message };
  const begun = encode(stream(start(), textBlock, text("Hello")));
  const bytes = concat([begun, ANTHROPIC_MESSAGES.errorEvent(error)]);
  await withClient(events(bytes), async (client) => {
    const received: string[] = [];
    const answer = await client.messages.create({ ...ask, stream: true });
    await assertRejects(
      async () => {
        for await (const event of answer) {
          if (event.type !== "content_block_delta") continue;
          received.push(event.delta.type === "text_delta" ? event.delta.text : "");
        }
      },
      Anthropic.APIError,
      message,
    );
    assertEquals(received, ["Hello"]);
    await assertRejects(() => client.messages.stream(ask).finalMessage(), Anthropic.APIError);
  });
});

/** What had come of a message when it was cut short, and what a client must have of it. */
const CUTS = {
  "before it started": ["", []],
  "after its start": [stream(start()), []],
  "in a text": [stream(start(), textBlock, text("Hello")), ["Hello"]],
  "between two blocks": [stream(start(), textBlock, text("Hello"), stopBlock()), ["Hello"]],
  "in its thoughts": [
    stream(
      start(),
      block({ type: "thinking", thinking: "", signature: "" }),
      delta({ type: "thinking_delta", thinking: "Hm" }),
    ),
    ["Hm"],
  ],
  "in the input of a tool, in its second block": [
    stream(
      start(),
      textBlock,
      text("Hello"),
      stopBlock(),
      block({ type: "tool_use", id: "toolu_1", name: "look", input: {} }, 1),
      delta({ type: "input_json_delta", partial_json: '{"at":"sea","on' }, 1),
    ),
    ["Hello", { at: "sea" }],
  ],
} as const;

Deno.test("a stream that is cut short anywhere ends for the SDK with the reason max_tokens", async () => {
  const comment = encode(`: farebox {"cost":"0.0012"}\n\n`);
  for (const [where, [begun, expected]] of Object.entries(CUTS)) {
    const meter = ANTHROPIC_MESSAGES.createMeter(DEFAULT_COUNTING);
    for (const event of createEventSplitter().push(encode(begun))) meter.fold(event);
    const { closing, terminal } = meter.earlyEnd();
    const { outputTokensEstimate } = meter.snapshot();
    await withClient(
      events(concat([encode(begun), closing, comment, terminal])),
      async (client) => {
        const final = await client.messages.stream(ask).finalMessage();
        assertEquals(final.stop_reason, "max_tokens", where);
        assertEquals(final.usage.output_tokens, outputTokensEstimate, where);
        assertEquals(final.usage.input_tokens, begun === "" ? 0 : startUsage.input_tokens, where);
        const content: unknown[] = final.content.map((part) =>
          part.type === "text"
            ? part.text
            : part.type === "thinking"
            ? part.thinking
            : part.type === "tool_use"
            ? part.input
            : null
        );
        assertEquals(content, [...expected], where);
      },
    );
  }
});

Deno.test("a message that said itself why it finished is only stopped", () => {
  const meter = ANTHROPIC_MESSAGES.createMeter(DEFAULT_COUNTING);
  const finished = stream(start(), textBlock, stopBlock(), end({ output_tokens: 9 }));
  for (const event of createEventSplitter().push(encode(finished))) meter.fold(event);
  const { closing, terminal } = meter.earlyEnd();
  assertEquals(closing.length, 0);
  assertEquals(new TextDecoder().decode(terminal), stream({ type: "message_stop" }));
  for (const event of createEventSplitter().push(terminal)) {
    assert(meter.fold(event) === "terminal");
  }
  assertEquals(meter.earlyEnd().terminal.length, 0);
});
