import { assertEquals, assertInstanceOf, assertRejects } from "@std/assert";
import OpenAI from "openai";
import { DEFAULT_COUNTING } from "../../shared/llm/counting_rules.ts";
import { OPENAI_RESPONSES } from "../../shared/llm/dialects/openai_responses.ts";
import { createEventSplitter } from "../../shared/llm/sse_events.ts";
import { concat, encode } from "./chunks.ts";

import { clientOf } from "./openai_client.ts";

const ask = { model: "openai:gpt-5", input: "Hello" };
const tooLow = {
  status: 402,
  code: "INSUFFICIENT_BALANCE",
  message: "Your balance is too low. Top up to go on.",
};

const begun = encode(
  `event: response.created\ndata: {"type":"response.created","sequence_number":0,"response":` +
    `{"id":"resp_1","object":"response","created_at":7,"status":"in_progress","model":"gpt-5",` +
    `"output":[]}}\n\n`,
);

const brokenOff = () =>
  new Response(new Blob([concat([begun, OPENAI_RESPONSES.errorEvent(tooLow)]) as BlobPart]), {
    headers: { "content-type": "text/event-stream" },
  });

Deno.test("the envelope makes the openai SDK raise the class of the status, with our code", async () => {
  for (
    const [status, type] of [
      [400, OpenAI.BadRequestError],
      [402, OpenAI.APIError],
      [404, OpenAI.NotFoundError],
      [429, OpenAI.RateLimitError],
      [503, OpenAI.InternalServerError],
    ] as const
  ) {
    const body = OPENAI_RESPONSES.errorBody({ ...tooLow, status, param: "input" });
    const client = clientOf(() => Response.json(body, { status }));
    const error = await assertRejects(() => client.responses.create(ask));
    assertInstanceOf(error, type);
    assertEquals([error.status, error.code, error.param], [status, tooLow.code, "input"]);
  }
});

Deno.test("an error at the end of a stream is raised out of the loop over events", async () => {
  const seen: string[] = [];
  const error = await assertRejects(async () => {
    const stream = await clientOf(brokenOff).responses.create({ ...ask, stream: true });
    for await (const event of stream) seen.push(event.type);
  });
  assertInstanceOf(error, OpenAI.APIError);
  assertEquals([error.code, error.type], [tooLow.code, "insufficient_quota"]);
  assertEquals(seen, ["response.created"]);
});

Deno.test("and out of the SDK's streaming helper", async () => {
  const error = await assertRejects(() =>
    clientOf(brokenOff).responses.stream(ask).finalResponse()
  );
  assertInstanceOf(error, OpenAI.APIError);
  assertEquals(error.code, tooLow.code);
});

Deno.test("the error event has its fields where the documentation has them, and where OpenAI does", () => {
  const [event, rest] = createEventSplitter().push(OPENAI_RESPONSES.errorEvent(tooLow));
  assertEquals([event?.event, rest], ["error", undefined]);
  const { message, code } = tooLow;
  assertEquals(JSON.parse(event?.data ?? ""), {
    type: "error",
    sequence_number: 0,
    message,
    code,
    param: null,
    error: { message, code, param: null, type: "insufficient_quota" },
  });
});

Deno.test("our own error is an error to our meter, and no content", () => {
  const meter = OPENAI_RESPONSES.createMeter(DEFAULT_COUNTING);
  const events = createEventSplitter().push(OPENAI_RESPONSES.errorEvent(tooLow));
  assertEquals(events.map(meter.fold), ["error"]);
  const { error, hasContent } = meter.snapshot();
  assertEquals(
    [error, hasContent],
    [{ message: tooLow.message, type: "insufficient_quota", code: tooLow.code }, false],
  );
});
