/** What a Gemini path says: `/v1beta/models/{model}:{method}`. */
import type { AppContext } from "../../../shared/edge/app.ts";
import type { Refusal } from "../../../shared/edge/refusal.ts";
import type { RequestTarget } from "../../../shared/llm/dialect.ts";

/** The model and the method; refused where the method is none that answers a chat. */
export function readTarget(c: AppContext): RequestTarget | Refusal {
  const path = c.req.param("model") ?? "";
  // The last colon: a model's own name may have one, as in `google:gemini-2.5-flash`.
  const colon = path.lastIndexOf(":");
  const method = path.slice(colon + 1);
  if (colon < 1 || (method !== "generateContent" && method !== "streamGenerateContent")) {
    return {
      code: "NOT_FOUND",
      message: "Only :generateContent and :streamGenerateContent of a model can be asked here.",
    };
  }
  // Without `alt=sse` a streamed answer is a JSON array, which is metered and passed on whole.
  const isStream = method === "streamGenerateContent" && c.req.query("alt") === "sse";
  return { model: path.slice(0, colon), stream: isStream, method };
}
