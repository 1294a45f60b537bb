/** Answers of the demo provider that are not a model's: errors, and the list of models. */
import type { ErrorAnswer, Visit } from "./dialect.ts";
import { errorAnswer, modelNotFound } from "./openai_errors.ts";

export function errorResponse({ status, body, headers }: ErrorAnswer): Response {
  return Response.json(body, { status, ...(headers === undefined ? {} : { headers }) });
}

/** `GET …/models` and `GET …/models/{id}`, as OpenAI has them; null for any other path. */
export function listModels(method: string, { url, models, provider }: Visit): Response | null {
  if (method !== "GET") return null;
  if (url.pathname.endsWith("/models")) {
    return Response.json({ object: "list", data: models.list().map(modelObject) });
  }
  const id = /\/models\/(.+)$/.exec(url.pathname)?.[1];
  if (id === undefined) return null;
  return models.find(id) === undefined
    ? errorResponse(errorAnswer(modelNotFound(id), provider))
    : Response.json(modelObject(id));
}

function modelObject(id: string): unknown {
  return { id, object: "model", created: 1_715_367_049, owned_by: "system" };
}
