/** What a request of the Responses API goes on from by its id alone, and what an answer is gone on from by. */
import { assert, assertEquals } from "@std/assert";
import type { StoredReference } from "../../shared/llm/dialect.ts";
import { OPENAI_RESPONSES } from "../../shared/llm/dialects/openai_responses.ts";
import { completed, created, delta, meterText, stream, whole } from "./openai_responses_streams.ts";
import { listRecordings, meterRecording, readRecording, testRecordings } from "./recordings.ts";
import { accepted, refused } from "./requests.ts";

const MODEL = { model: "openai:gpt-5" };
const references = (body: object): readonly StoredReference[] =>
  accepted(OPENAI_RESPONSES, { ...MODEL, ...body }).references ?? [];

Deno.test("an earlier answer, a conversation and items that do not speak for themselves are references", () => {
  for (
    const [body, expected] of [
      [{ previous_response_id: "resp_1" }, [["resp_1", "previous_response_id"]]],
      [{ input: "x", conversation: "conv_1" }, [["conv_1", "conversation"]]],
      [{ input: "x", conversation: { id: "conv_1" } }, [["conv_1", "conversation.id"]]],
      [{ input: [{ type: "item_reference", id: "msg_1" }] }, [["msg_1", "input[0].id"]]],
      [{ input: [{ id: "msg_1" }] }, [["msg_1", "input[0].id"]]],
      [{ input: [{ type: null, id: "msg_1" }] }, [["msg_1", "input[0].id"]]],
      [{ input: [{ type: "reasoning", id: "rs_1", summary: [] }] }, [["rs_1", "input[0].id"]]],
      [
        { input: [{ type: "reasoning", id: "rs_1", summary: [], encrypted_content: "" }] },
        [["rs_1", "input[0].id"]],
      ],
      [
        {
          previous_response_id: "resp_1",
          input: [
            { role: "user", content: "x" },
            { type: "image_generation_call", id: "ig_1" },
            { type: "something_new", id: "new_1" },
          ],
        },
        [["resp_1", "previous_response_id"], ["ig_1", "input[1].id"], ["new_1", "input[2].id"]],
      ],
    ] as [object, [string, string][]][]
  ) {
    assertEquals(
      references(body),
      expected.map(([id, param]) => ({ id, param })),
      JSON.stringify(body),
    );
  }
});

Deno.test("an item that names itself and says nothing is a reference, whatever it calls itself", () => {
  for (
    const item of [
      { type: null, role: "user" },
      { role: "" },
      { role: false },
      { type: "message" },
      { type: "message", role: "assistant", content: null },
      { type: "function_call", call_id: "c", name: "f" },
      { type: "custom_tool_call", call_id: "c", name: "f", input: null },
      { type: "shell_call", call_id: "c" },
    ]
  ) {
    const request = accepted(OPENAI_RESPONSES, { ...MODEL, input: [{ ...item, id: "x_1" }] });
    assertEquals(request.references, [{ id: "x_1", param: "input[0].id" }], JSON.stringify(item));
    assertEquals(request.hidesInput, true);
    assertEquals(references({ input: [{ ...item, id: "" }] }), []);
  }
});

Deno.test("what says all of itself is no reference, whatever id it has", () => {
  for (
    const body of [
      { input: "x", previous_response_id: null, conversation: null },
      { input: [{ role: "user", content: "x", id: "msg_1" }] },
      { input: [{ type: "message", id: "msg_1", role: "assistant", content: [] }] },
      { input: [{ type: "function_call", id: "fc_1", call_id: "c", name: "f", arguments: "{}" }] },
      { input: [{ type: "reasoning", id: "rs_1", summary: [], encrypted_content: "gAAAA" }] },
      { input: [{ type: "compaction", encrypted_content: "gAAAA" }] },
    ]
  ) assertEquals(references(body), [], JSON.stringify(body));
});

Deno.test("an id that is no text, or in another spelling, is refused with its parameter", () => {
  for (
    const [body, param] of [
      [{ input: "x", previous_response_id: 7 }, "previous_response_id"],
      [{ input: "x", previous_response_id: ["resp_1"] }, "previous_response_id"],
      [{ input: "x", previous_response_id: "" }, "previous_response_id"],
      [{ input: "x", Previous_Response_Id: "resp_1" }, "Previous_Response_Id"],
      [{ input: "x", conversation: ["conv_1"] }, "conversation"],
      [{ input: "x", conversation: {} }, "conversation.id"],
      [{ input: "x", conversation: { id: { id: "conv_1" } } }, "conversation.id"],
      [{ input: "x", conversation: { id: "conv_1", ID: "conv_2" } }, "conversation.ID"],
      [{ input: [{ type: "item_reference", id: 7 }] }, "input[0].id"],
      // What a lenient server may read as more than was looked at.
      [{ input: "x", instructions: [{ type: "item_reference", id: "a" }] }, "instructions"],
      [{ input: [{ role: "user", content: { type: "input_text" } }] }, "input[0].content"],
      // By this name a client of vLLM says what its answer is called.
      [{ input: "x", request_id: "resp_1" }, "request_id"],
      [{ input: "x", Request_ID: "resp_1" }, "Request_ID"],
      [{ input: [{ type: "item_reference", id: "a", Id: "b" }] }, "input[0].Id"],
    ] as [object, string][]
  ) {
    const { message, param: told } = refused(OPENAI_RESPONSES, { ...MODEL, ...body });
    assertEquals(told, param, JSON.stringify(body));
    assert(message.length > 20);
  }
});

Deno.test("an answer has its own id and its items', streamed, cut or whole, each once", () => {
  const item = (id: string) => ({ type: "message", id, content: [] });
  const added = { type: "response.output_item.added", output_index: 0, item: item("msg_1") };
  const events = [created, added, delta("Hello"), delta(" there")];
  assertEquals(meterText(stream(...events)).storedIds, ["resp_1", "msg_1"]);
  const ended = completed({ output: [item("msg_1"), item("rs_2"), { type: "x" }, 7] });
  assertEquals(meterText(stream(...events, ended)).storedIds, ["resp_1", "msg_1", "rs_2"]);
  assertEquals(whole(ended.response).storedIds, ["resp_1", "msg_1", "rs_2"]);
  assertEquals(whole({ error: { message: "no" } }).storedIds, []);
});

Deno.test("of an answer with absurdly many items a thousand ids are kept", () => {
  const output = Array.from({ length: 20_000 }, (_, at) => ({ id: `msg_${at}` }));
  assertEquals(whole(completed({ output }).response).storedIds.length, 1_000);
});

testRecordings("every id of an answer and of its items in the recordings is found", () => {
  const recordings = listRecordings()!.filter(({ dialect }) => dialect === "openai-responses");
  assert(recordings.length > 20);
  for (const recording of recordings) {
    const text = new TextDecoder().decode(readRecording(recording));
    const known = new Set(meterRecording(recording).storedIds);
    const bodies = recording.streaming
      ? text.split(/\r?\n/).filter((line) => line.startsWith("data: {"))
        .map((line) => JSON.parse(line.slice(6)))
      : [{ response: JSON.parse(text) }];
    for (const { response, item } of bodies) {
      for (const part of [response, item, ...(response?.output ?? [])]) {
        if (typeof part?.id !== "string" || part.id === "") continue;
        assert(known.has(part.id), `${recording.file}: ${part.id}`);
      }
    }
  }
});
