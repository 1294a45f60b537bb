import OpenAI from "openai";

/** The official SDK, answered by us. */
export function clientOf(answer: () => Response): OpenAI {
  return new OpenAI({
    apiKey: "test",
    baseURL: "http://localhost/v1",
    maxRetries: 0,
    fetch: () => Promise.resolve(answer()),
  });
}
