/** What a request is told of a price is written column by column: none may be forgotten. */
import { assertEquals } from "@std/assert";
import { withDatabase } from "../support/database.ts";

/** Where a price is from and when it was in force is nobody's business but the operator's. */
const UNTOLD = ["source", "effective_from", "effective_to"];

Deno.test("a price as it travels has every column of a price version, each amount as an exact string", () =>
  withDatabase(async ({ sql }) => {
    await sql`update public.model_pricing set input_audio_per_1k = 0.0123000
      where model_id = 'gpt-4o'`;
    const [row] = await sql<{ told: Record<string, unknown>; kept: Record<string, string> }[]>`
      select
        billing.price_as_json(h.price_version) as told,
        (
          select jsonb_object_agg(
            c.key,
            case when c.key ~ '_(per_1k|fee)$'
              then to_jsonb(trim_scale((c.value #>> '{}')::numeric)::text) else c.value end
          )
          from jsonb_each(to_jsonb(h)) c
        ) as kept
      from billing.model_pricing_history h
      where h.model_id = 'gpt-4o' and h.effective_to is null`;
    const kept = Object.entries(row!.kept).filter(([name]) => !UNTOLD.includes(name));
    assertEquals(row!.told, Object.fromEntries(kept));
  }));
