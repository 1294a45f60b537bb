/** What the client makes of the bytes, however they come and whatever they are. */
import { assertEquals } from "@std/assert";
import { assert, assertInstanceOf } from "../../support/narrowing.ts";
import { FareboxError, NetworkError } from "../../../web/client/mod.ts";
import { shortStream, streamOf } from "../../support/upstream.ts";
import { createEventReader } from "../../../web/client/read_events.ts";
import { hear, type Heard } from "./client_harness.ts";
import {
  comment,
  delta,
  DONE,
  fakeAuth,
  refusal,
  REQUEST_ID,
  startStandIn,
  streamHeaders,
} from "./stand_in.ts";

const REQUEST = { model: "openai:gpt-4o", messages: [{ role: "user" as const, content: "Hi" }] };
const encoder = new TextEncoder();

/** Reads what a server gives that answers every chat so; receipts are those of `receipt`. */
async function heardOf(
  answer: () => Response,
  receipt: (() => Response) | null = null,
  user: string | null | undefined = undefined,
): Promise<Heard> {
  const standIn = startStandIn(fakeAuth(user));
  standIn.respond = (path) => {
    if (path.startsWith("/chat-proxy")) return answer();
    if (path.startsWith("/balance/usage")) {
      return Response.json({ records: receipt === null ? [] : [{ request_id: REQUEST_ID }] });
    }
    if (path.startsWith("/balance/receipts")) {
      return receipt?.() ?? refusal(404, "REQUEST_NOT_FOUND");
    }
    return Response.json({ balance: 1, available: "1", reserved: "0" });
  };
  try {
    return await hear(standIn.farebox().streamChat(REQUEST));
  } finally {
    await standIn.stop();
  }
}

const streamed = (text: string) => () => new Response(text, { headers: streamHeaders() });

const WHOLE = ": keep-alive\r\n\r\n" +
  delta({ role: "assistant", content: "" }) + delta({ reasoning: "Hm: é" }) +
  delta({ content: "Grüße, 🙂\n" }).replaceAll("\n", "\r\n") + delta({ content: "data: [DONE]" }) +
  delta({ tool_calls: [{ index: 1, id: "b", function: { name: "later", arguments: "{}" } }] }) +
  delta({ tool_calls: [{ index: 0, id: "a", function: { name: "first", arguments: '{"x":' } }] }) +
  delta({ tool_calls: [{ index: 0, function: { arguments: '"ü"}' } }] }) +
  delta({}, "tool_calls") + comment("0.0000000001", "9.9999999999", { basis: "reported" }) + DONE;

Deno.test("an answer is the same wherever the network cuts it", async () => {
  const bytes = encoder.encode(WHOLE);
  const standIn = startStandIn();
  standIn.respond = (_path, request) => {
    const at = Number(request.headers.get("x-chat-id"));
    const response = streamOf([bytes.slice(0, at), bytes.slice(at)]);
    response.headers.set("x-request-id", REQUEST_ID);
    return response;
  };
  const farebox = standIn.farebox();
  const read = async (cut: number) => {
    const { text, reasoning, cost, events, finishReason, error } = await hear(
      farebox.streamChat(REQUEST, { chatId: `${cut}` }),
    );
    const calls = events.flatMap((event) => event.type === "tool_call" ? event.toolCall : []);
    return { text, reasoning, cost, calls, finishReason, error };
  };
  const expected = await read(bytes.length);
  assertEquals(expected, {
    text: "Grüße, 🙂\ndata: [DONE]",
    reasoning: "Hm: é",
    cost: {
      request_id: REQUEST_ID,
      cost: "0.0000000001",
      balance: "9.9999999999",
      tokens: null,
      basis: "reported",
      code: null,
    },
    calls: [
      { index: 0, id: "a", name: "first", arguments: '{"x":"ü"}' },
      { index: 1, id: "b", name: "later", arguments: "{}" },
    ],
    finishReason: "tool_calls",
    error: undefined,
  });
  const cuts = Array.from(bytes.subarray(1), (_, index) => index + 1);
  while (cuts.length > 0) {
    await Promise.all(
      cuts.splice(0, 32).map(async (cut) => {
        assertEquals(await read(cut), expected, `cut at ${cut}`);
      }),
    );
  }
  await standIn.stop();
});

Deno.test("a connection that breaks, or ends before the answer does, is a NetworkError with the request's id", async () => {
  const begun = delta({ content: "Once upon" });
  const breaks = () => {
    const response = shortStream([encoder.encode(begun)]);
    response.headers.set("x-request-id", REQUEST_ID);
    return response;
  };
  for (const answer of [breaks, streamed(begun), streamed(": keep-alive\n\n"), streamed("")]) {
    const { error, finishReason, text } = await heardOf(answer);
    assertInstanceOf(error, NetworkError);
    assertEquals([error.requestId, error.status, finishReason], [REQUEST_ID, null, undefined]);
    assert(text === "" || text === "Once upon");
  }
});

Deno.test("an answer that is whole but lost its comment takes its cost from the receipt", async () => {
  const receipt = () =>
    Response.json({
      request_id: REQUEST_ID,
      cost: "0.5",
      balance_after: "9.5",
      basis: "reported",
      lines: [{ class: "input", tokens: 3 }, { class: "output", tokens: 4 }],
    });
  const answer = streamed(delta({ content: "Yes." }, "stop"));
  const { cost, finishReason } = await heardOf(answer, receipt);
  assertEquals([finishReason, cost?.cost, cost?.balance, cost?.tokens?.output], [
    "stop",
    "0.5",
    "9.5",
    4,
  ]);
  const none = await heardOf(answer);
  assertEquals([none.finishReason, none.cost, none.error], ["stop", null, undefined]);
});

Deno.test("the cost is told whether it stands before the error event or after it", async () => {
  const error = `data: {"error":{"message":"It broke.","code":"UPSTREAM_ERROR"}}\n\n`;
  const cost = comment("0.1", "9.9", { code: "UPSTREAM_ERROR" });
  for (const end of [cost + error, error + cost, `${error}${cost}${DONE}`]) {
    const heard = await heardOf(streamed(delta({ content: "So" }) + end));
    assertInstanceOf(heard.error, FareboxError);
    assertEquals([heard.error.code, heard.error.message], ["UPSTREAM_ERROR", "It broke."]);
    assertEquals(heard.events.map(({ type }) => type), ["start", "text", "cost"]);
    assertEquals(heard.cost?.code, "UPSTREAM_ERROR");
  }
});

Deno.test("a whole answer in JSON, named so or not, is read like a stream", async () => {
  const message = { content: "Whole.", reasoning_content: "Hm." };
  const json = JSON.stringify({ choices: [{ message, finish_reason: "stop" }] }, null, 2);
  const named = { "content-type": "application/json", "x-cost": "0.2", "x-balance": "9.8" };
  for (const headers of [{ ...streamHeaders(), ...named }, streamHeaders(), {}]) {
    const heard = await heardOf(() => new Response(json, { headers }), undefined, null);
    assertEquals([heard.error, heard.text, heard.reasoning, heard.finishReason], [
      undefined,
      "Whole.",
      "Hm.",
      "stop",
    ]);
    assertEquals(heard.cost?.balance, "x-cost" in headers ? "9.8" : undefined);
  }
});

Deno.test("what is neither a stream nor JSON is a bad answer in a clear sentence, with any status", async () => {
  for (const status of [200, 404, 502]) {
    const headers = { "content-type": "text/html" };
    const { error } = await heardOf(() => new Response("<h1>Hello</h1>", { status, headers }));
    assertInstanceOf(error, FareboxError);
    assertEquals([error.code, error.status], ["BAD_ANSWER", status]);
    assert(error.message.includes(`status ${status}, text/html`), error.message);
  }
});

Deno.test("unknown comments, events that are no JSON and content in parts do no harm", async () => {
  const parts = [
    { type: "thinking", thinking: [{ type: "text", text: "Well." }] },
    { type: "text", text: "Ja." },
  ];
  const heard = await heardOf(streamed(
    `: OPENROUTER PROCESSING\n\n: farebox not json\n\ndata: nonsense\n\ndata: []\n\n` +
      `event: ping\ndata: {}\n\ndata: {"choices":[]}\n\n${delta({ content: parts })}` +
      `${delta({ content: null, refusal: " Nein." }, "stop")}${comment("0", null)}`,
  ));
  assertEquals([heard.error, heard.reasoning, heard.text], [undefined, "Well.", "Ja. Nein."]);
});

Deno.test("a tool call that was cut short is not told as a whole one", async () => {
  const call = { index: 0, id: "a", function: { name: "f", arguments: '{"x":' } };
  const heard = await heardOf(
    streamed(delta({ tool_calls: [call] }, "length") + comment("0.1", "9.9") + DONE),
  );
  assertEquals(heard.events.map(({ type }) => type), ["start", "cost", "end"]);
});

Deno.test("retry-after is read as seconds and as a date", async () => {
  const soon = new Date(Date.now() + 90_000).toUTCString();
  for (const [header, least, most] of [["7", 7, 7], [soon, 80, 91], ["?", null, null]] as const) {
    const { error } = await heardOf(() => {
      const response = refusal(429, "TOO_MANY_REQUESTS");
      response.headers.set("retry-after", header);
      return response;
    });
    assertInstanceOf(error, FareboxError);
    const seconds = error.retryAfterSeconds;
    assert(seconds === least || (seconds! >= least! && seconds! <= most!), `${header}: ${seconds}`);
  }
});

Deno.test("lines that end with LF, CRLF or CR, cut anywhere, are the same lines", () => {
  const stream =
    ': farebox {"request_id":"a","cost":"1"}\n\ndata:{"a":1}\n\ndata: {"b":\ndata: 2}\n\n' +
    "event: x\nid: 7\n: other\n\ndata: [DONE]\n\n";
  const read = (pieces: readonly string[]) => {
    const events = createEventReader();
    return [...pieces.flatMap((piece) => events.push(encoder.encode(piece))), ...events.flush()];
  };
  const expected = read([stream]);
  assertEquals(expected.map(({ type }) => type), ["cost", "chunk", "chunk", "done"]);
  for (const end of ["\n", "\r\n", "\r"]) {
    const text = `\uFEFF${stream.replaceAll("\n", end)}`;
    for (let cut = 0; cut <= text.length; cut++) {
      assertEquals(read([text.slice(0, cut), text.slice(cut)]), expected, `${end} cut at ${cut}`);
    }
    assertEquals(read([...text]), expected);
  }
});
