/** Who has not said who they are can make an isolate read, but not remember. */
import { assertEquals } from "@std/assert";
import { createHandler } from "../../supabase/functions/chat-proxy/handler.ts";
import { proxyOn } from "../functions/chat_proxy/handler_harness.ts";

const LIMIT_BYTES = 1_024;
const CHUNKS = 50;

Deno.test("the body of a stranger is let go as it comes, to its end, and never measured against the limit", async () => {
  let sent = 0;
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (sent === CHUNKS) return controller.close();
      sent++;
      controller.enqueue(new Uint8Array(LIMIT_BYTES).fill(32));
    },
  }, { highWaterMark: 0 });
  const { deps, steps } = proxyOn({ variables: { MAX_BODY_BYTES: String(LIMIT_BYTES) } });
  const response = await createHandler(deps)(
    new Request("http://edge.test/chat-proxy", { method: "POST", body }),
  );
  assertEquals([response.status, (await response.json()).code], [401, "UNAUTHENTICATED"]);
  // What is kept to be read is given up at four times the limit.
  assertEquals(sent, CHUNKS);
  assertEquals(steps, []);
});
