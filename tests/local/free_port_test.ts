import { assertEquals, assertThrows } from "@std/assert";
import { listenOnFreePort } from "../../local/free_port.ts";

Deno.test("a port that is lost between the look and the listening is no failure; another error is", () => {
  const tried: number[] = [];
  const port = listenOnFreePort((port) => {
    tried.push(port);
    if (tried.length < 4) throw new Deno.errors.AddrInUse();
    return port;
  });
  assertEquals([tried.length, port], [4, tried[3]]);
  assertThrows(
    () =>
      listenOnFreePort(() => {
        throw new Deno.errors.PermissionDenied();
      }),
    Deno.errors.PermissionDenied,
  );
});
