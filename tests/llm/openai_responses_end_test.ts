import { assert, assertEquals } from "@std/assert";
import OpenAI from "openai";
import { DEFAULT_COUNTING } from "../../shared/llm/counting_rules.ts";
import { OPENAI_RESPONSES } from "../../shared/llm/dialects/openai_responses.ts";
import type { SplitEvent } from "../../shared/llm/sse_events.ts";
import { concat, encode } from "./chunks.ts";
import { splitChunks } from "./metered_text.ts";
import { listRecordings, readRecording } from "./recordings.ts";

const split = (bytes: Uint8Array) => splitChunks([bytes]);

/** What a client gets of a stream cut after these events; `null` where it has ended itself, or failed. */
function cut(events: readonly SplitEvent[]): { before: Uint8Array; end: Uint8Array } | null {
  const meter = OPENAI_RESPONSES.createMeter(DEFAULT_COUNTING);
  const kinds = events.map((event) => meter.fold(event));
  const { closing, terminal } = meter.earlyEnd();
  if (kinds.includes("error")) return null;
  if (kinds.includes("terminal")) {
    assertEquals(concat([closing, terminal]).length, 0);
    return null;
  }
  return {
    before: concat([...events.map((event) => event.bytes), closing]),
    end: terminal,
  };
}

/** The official SDK's final response of a stream. */
async function finalResponse(bytes: Uint8Array) {
  const client = new OpenAI({
    apiKey: "test",
    baseURL: "http://localhost/v1",
    maxRetries: 0,
    fetch: () =>
      Promise.resolve(
        new Response(new Blob([bytes as BlobPart]), {
          headers: { "content-type": "text/event-stream" },
        }),
      ),
  });
  return await client.responses.stream({ model: "gpt-5", input: "x" }).finalResponse();
}

interface SentEvent {
  readonly type: string;
  readonly sequence_number: number;
  readonly response: { readonly output?: readonly { readonly content?: unknown }[] };
}

const eventsIn = (bytes: Uint8Array): SentEvent[] =>
  split(bytes).map(({ event, data }) => {
    const sent = JSON.parse(data ?? "null");
    assertEquals(sent.type, event);
    return sent;
  });

/** A stream whose events are numbered. */
const stream = (...events: object[]) =>
  encode(
    events.map((event, sequence_number) => {
      const data = { ...event, sequence_number } as { type?: string };
      return `event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`;
    }).join(""),
  );

const base = {
  id: "resp_1",
  object: "response",
  created_at: 7,
  status: "in_progress",
  model: "gpt-5",
  instructions: "Be brief.",
  output: [],
  usage: null,
};
const created = { type: "response.created", response: base };
const added = (output_index: number, item: object) => ({
  type: "response.output_item.added",
  output_index,
  item,
});
const part = (output_index: number, item_id: string, part: object) => ({
  type: "response.content_part.added",
  output_index,
  item_id,
  content_index: 0,
  part,
});
const delta = (kind: string, output_index: number, item_id: string, text: string) => ({
  type: `response.${kind}.delta`,
  output_index,
  item_id,
  delta: text,
  ...(kind.startsWith("output") || kind === "refusal" ? { content_index: 0 } : {}),
  ...(kind === "reasoning_summary_text" ? { summary_index: 0 } : {}),
});
const message = { type: "message", id: "msg_1", role: "assistant", status: "in_progress" };
const reasoning = { type: "reasoning", id: "rs_1", summary: [] };
const call = { type: "function_call", id: "fc_1", call_id: "call_1", name: "f", arguments: "" };
const outputText = { type: "output_text", text: "", annotations: [] };

const thoughtAndSaid = stream(
  created,
  added(0, reasoning),
  {
    type: "response.reasoning_summary_part.added",
    output_index: 0,
    item_id: "rs_1",
    summary_index: 0,
    part: { type: "summary_text", text: "" },
  },
  delta("reasoning_summary_text", 0, "rs_1", "Thinking "),
  delta("reasoning_summary_text", 0, "rs_1", "hard."),
  added(1, { ...message, content: [] }),
  part(1, "msg_1", outputText),
  delta("output_text", 1, "msg_1", "Hello"),
  delta("output_text", 1, "msg_1", " there"),
  added(2, call),
  delta("function_call_arguments", 2, "fc_1", '{"city":'),
  delta("function_call_arguments", 2, "fc_1", '"Par'),
);

Deno.test("a stream that is cut short closes what is open and ends as at a length limit", () => {
  const { before, end } = cut(split(thoughtAndSaid))!;
  const closing = eventsIn(before).slice(12);
  assertEquals(closing.map(({ type }) => type), [
    "response.reasoning_summary_text.done",
    "response.reasoning_summary_part.done",
    "response.output_item.done",
    "response.output_text.done",
    "response.content_part.done",
    "response.output_item.done",
    "response.function_call_arguments.done",
    "response.output_item.done",
  ]);
  const [last] = eventsIn(end);
  assertEquals(
    [...closing, last!].map(({ sequence_number }) => sequence_number),
    [12, 13, 14, 15, 16, 17, 18, 19, 20],
  );
  assertEquals<unknown>(last, {
    type: "response.incomplete",
    sequence_number: 20,
    response: {
      ...base,
      status: "incomplete",
      error: null,
      incomplete_details: { reason: "max_output_tokens" },
      output: [
        { ...reasoning, summary: [{ type: "summary_text", text: "Thinking hard." }] },
        { ...message, status: "incomplete", content: [{ ...outputText, text: "Hello there" }] },
        { ...call, status: "incomplete", arguments: '{"city":"Par' },
      ],
    },
  });
});

Deno.test("the openai SDK's final response of a stream cut anywhere has all that was said", async () => {
  const events = split(thoughtAndSaid);
  for (let count = 0; count <= events.length; count++) {
    const { before, end } = cut(events.slice(0, count))!;
    const final = await finalResponse(concat([before, end]));
    assertEquals(final.status, "incomplete");
    assertEquals(final.incomplete_details, { reason: "max_output_tokens" });
    const said = count < 8 ? "" : count === 8 ? "Hello" : "Hello there";
    assertEquals([final.id, final.output_text], [count === 0 ? "resp_farebox" : "resp_1", said]);
  }
});

Deno.test("items that were closed are repeated as they were, refusals and unannounced parts too", () => {
  const done = { ...message, status: "completed", content: [{ ...outputText, text: "All." }] };
  const { before, end } = cut(split(stream(
    created,
    added(0, { ...message, content: [] }),
    { type: "response.output_item.done", output_index: 0, item: done },
    added(1, { ...message, id: "msg_2", content: [] }),
    part(1, "msg_2", { type: "refusal", refusal: "" }),
    delta("refusal", 1, "msg_2", "I can't."),
    added(2, { ...message, id: "msg_3", content: [] }),
    delta("output_text", 2, "msg_3", "Yes"),
  )))!;
  const [last] = eventsIn(end);
  assertEquals(last?.response.output?.map((item) => item.content), [
    done.content,
    [{ type: "refusal", refusal: "I can't." }],
    [{ ...outputText, text: "Yes" }],
  ]);
  const types = eventsIn(before).slice(8).map(({ type }) => type);
  assertEquals(types.slice(0, 3), [
    "response.refusal.done",
    "response.content_part.done",
    "response.output_item.done",
  ]);
});

Deno.test("lesson 31: past a cap nothing is kept, and the SDK has what it gathered itself", async () => {
  const text = "lorem ipsum ".repeat(10_000);
  const events = [1, 2, 3].map(() => delta("output_text", 0, "msg_1", text));
  const { before, end } = cut(split(stream(
    created,
    added(0, { ...message, content: [] }),
    part(0, "msg_1", outputText),
    ...events,
  )))!;
  assert(end.length < 1_000, `${end.length} bytes`);
  assertEquals((await finalResponse(concat([before, end]))).output_text, text.repeat(3));
});

Deno.test("a prompt that is too long to be repeated is not, and the answer keeps its name", async () => {
  for (const length of [70_000, 1_100_000]) {
    const response = { ...base, instructions: "x".repeat(length) };
    const { before, end } = cut(split(stream({ type: "response.created", response })))!;
    assert(end.length < 1_000, `${end.length} bytes`);
    assertEquals((await finalResponse(concat([before, end]))).id, "resp_1");
  }
});

Deno.test("a stream that has ended itself is not ended again", () => {
  assertEquals(
    cut(split(stream(created, { type: "response.completed", response: base }))),
    null,
  );
});

const recordings = listRecordings();
Deno.test({
  name: "a recorded stream cut at any event: what our end repeats is what the SDK gathered itself" +
    (recordings === null ? " [no ../shared/recordings beside this checkout]" : ""),
  ignore: recordings === null,
  async fn() {
    let body = new Uint8Array();
    const server = Deno.serve(
      { port: 0, onListen() {} },
      () => new Response(body, { headers: { "content-type": "text/event-stream" } }),
    );
    const client = new OpenAI({
      apiKey: "test",
      baseURL: `http://localhost:${server.addr.port}/v1`,
      maxRetries: 0,
    });
    const play = (parts: Uint8Array[]) => {
      body = new Uint8Array(concat(parts));
      return client.responses.stream({ model: "gpt-5", input: "x" }).finalResponse();
    };
    for (const recording of recordings ?? []) {
      // Copilot's response changes its id within the stream, which the SDK takes for a fault.
      if (!recording.streaming || recording.provider === "github-copilot") continue;
      if (recording.dialect !== OPENAI_RESPONSES.name || recording.grade === "D") continue;
      const events = split(readRecording(recording));
      for (let count = 1; count < events.length; count += Math.ceil(events.length / 12)) {
        const ended = cut(events.slice(0, count));
        if (ended === null) break;
        const ours = await play([ended.before, ended.end]);
        const [last] = eventsIn(ended.end);
        const { output: _, ...response } = last!.response;
        const gathered = await play([ended.before, stream({ ...last, response })]);
        assertEquals(
          [ours.status, ours.output_text, stripped(ours.output)],
          ["incomplete", gathered.output_text, stripped(gathered.output)],
          `${recording.file} after ${count} events`,
        );
      }
    }
    await server.shutdown();
  },
});

/** Without what an end need not repeat: how far a tool has come, and how sure the model was. */
function stripped(output: unknown): unknown {
  const dropped = new Set(["status", "logprobs", "parsed", "parsed_arguments"]);
  return JSON.parse(JSON.stringify(output, (key, value) => dropped.has(key) ? undefined : value));
}
