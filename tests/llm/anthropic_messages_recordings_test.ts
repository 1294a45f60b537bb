/** What only Anthropic's recorded answers can show; recordings_test.ts has what holds in all dialects. */
import { assert, assertEquals } from "@std/assert";
import { ANTHROPIC_MESSAGES } from "../../shared/llm/dialects/anthropic_messages.ts";
import { EVENT_BYTES_MAX } from "../../shared/llm/sse_events.ts";
import { meterStream } from "./metered_text.ts";
import { listRecordings, meterRecording, readRecording, testRecordings } from "./recordings.ts";

const recordings = (listRecordings() ?? []).filter(({ dialect, grade }) =>
  dialect === ANTHROPIC_MESSAGES.name && "ABCD".includes(grade)
);

testRecordings("of recorded messages only those with a stale split of writes are flagged", () => {
  const reported = recordings.filter((one) => one.tokens !== undefined);
  assert(reported.length >= 50);
  for (const recording of reported) {
    const expected = recording.flags?.length ? ["cache_split_stale"] : [];
    assertEquals<unknown>(meterRecording(recording).flags, expected, recording.file);
  }
});

testRecordings(
  "a recorded stream that is cut before its report has none, never a placeholder",
  () => {
    for (const recording of recordings.filter((one) => one.streaming)) {
      const text = new TextDecoder().decode(readRecording(recording));
      const at = text.search(/data: .*"message_delta"/);
      const { usage, flags } = meterStream(ANTHROPIC_MESSAGES, text.slice(0, at), {
        maxEventBytes: EVENT_BYTES_MAX,
      });
      assertEquals([usage, flags], [null, []], recording.file);
    }
  },
);
