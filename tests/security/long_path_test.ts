/** A path is matched with patterns before anybody has said who they are: so its length is bounded. */
import { assertEquals } from "@std/assert";
import { addRoute, createApp } from "../../shared/edge/app.ts";

const app = createApp({ slug: "probe", refusalFromError: () => undefined });
addRoute(app, "/v1/:rest{.+}", { POST: () => new Response("matched") });

const statusOf = async (path: string) => {
  const response = await app.fetch(
    new Request(`http://edge.test/probe${path}`, { method: "POST" }),
  );
  await response.body?.cancel();
  return response.status;
};

Deno.test("a path of 2,000 characters is matched with the routes, a longer one is 404 unmatched", async () => {
  assertEquals(await statusOf(`/v1/${"a".repeat(1_996)}`), 200);
  for (const path of [`/v1/${"a".repeat(1_997)}`, `/v1/${"a/".repeat(30_000)}x`]) {
    assertEquals(await statusOf(path), 404);
  }
});

Deno.test("slashes at the end of a path are none, however many", async () => {
  assertEquals(await statusOf(`/v1/a${"/".repeat(60_000)}`), 200);
});
