import { assertEquals } from "@std/assert";
import { assert } from "../support/narrowing.ts";
import { type Round, soak } from "./rounds.ts";

Deno.test({
  name:
    "under faults of provider, platform, Postgres and processes, three of them killed, every answer is charged exactly once, none that failed is, and the books add up",
  // The driver may be left with a connection whose server was killed.
  sanitizeOps: false,
  sanitizeResources: false,
  async fn() {
    const seed = Number(Deno.env.get("SOAK_SEED") ?? Math.floor(Math.random() * 2 ** 31));
    const folder = await Deno.makeTempDir({ prefix: "farebox-soak-" });
    await Deno.chmod(folder, 0o755);
    try {
      const rounds: Round[] = [];
      await soak({
        seed,
        rounds: 1,
        roundMs: 10_000,
        people: 8,
        victims: ["functions", "postmaster", "functions"],
        faults: 3,
        folder,
        report: (round) => rounds.push(round),
      });
      const [round] = rounds;
      assert(round !== undefined);
      assertEquals(round.violations, [], `SOAK_SEED=${seed} begins the same way again`);
      assert(round.exactCharges > 0 && Object.values(round.kills).length > 0);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});
