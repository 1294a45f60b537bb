import { assert, assertEquals } from "@std/assert";
import { fileURLToPath } from "node:url";
import { startUploaded, unpack } from "../support/edge_deno.ts";
import { type ManagementApi, startManagementApi } from "../support/management_api.ts";
import { CLI_MISSING, runSupabaseCli } from "../support/supabase_cli.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const SLUGS = ["balance", "chat-proxy", "init-balance", "pricing-health"];

/** The official CLI deploys all functions of config.toml to a local stand-in of the management API. */
async function withDeployed(test: (api: ManagementApi) => Promise<void>): Promise<void> {
  const api = await startManagementApi();
  try {
    await runSupabaseCli(["functions", "deploy", "--use-api", ...api.cliArgs], {
      workdir: ROOT,
      env: api.cliEnv,
    });
    await test(api);
  } finally {
    await api.close();
  }
}

const ignore = CLI_MISSING !== null;
const reason = CLI_MISSING ? ` [${CLI_MISSING}]` : "";

Deno.test({
  name:
    `the CLI deploys the four functions, each with verify_jwt off and its own deno.json${reason}`,
  ignore,
  fn: () =>
    withDeployed(async ({ uploads }) => {
      assertEquals([...uploads.keys()].sort(), SLUGS);
      for (const { slug, metadata, files } of uploads.values()) {
        assertEquals(metadata.verify_jwt, false, `${slug} authenticates its callers itself`);
        assertEquals(metadata.entrypoint_path, `supabase/functions/${slug}/index.ts`);
        assertEquals(metadata.import_map_path, `supabase/functions/${slug}/deno.json`);
        assert(files.has(metadata.entrypoint_path), `${slug} has no entrypoint`);
        const foreign = [...files.keys()].filter((path) =>
          !path.startsWith(`supabase/functions/${slug}/`) && !path.startsWith("shared/")
        );
        assertEquals(foreign, [], `${slug} uploads its folder and shared code only`);
      }
      await Promise.resolve();
    }),
});

Deno.test({
  name: `what was uploaded starts under Deno 2.1.4, alone in an empty folder${reason}`,
  ignore,
  fn: () =>
    withDeployed(async ({ uploads }) => {
      for (const upload of uploads.values()) {
        const folder = await Deno.realPath(await Deno.makeTempDir({ prefix: "farebox-upload-" }));
        try {
          await unpack(upload, folder);
          const running = await startUploaded(upload, folder, UNREACHABLE_PROJECT);
          try {
            const answer = await fetch(`${running.url}/${upload.slug}`, { method: "OPTIONS" });
            await answer.body?.cancel();
            assert(answer.status < 500, `${upload.slug}: ${answer.status}\n${running.output()}`);
          } finally {
            await running.stop();
          }
        } finally {
          await Deno.remove(folder, { recursive: true });
        }
      }
    }),
});

/** The variables that Supabase injects, for a project that is not there. */
const UNREACHABLE_PROJECT = {
  SUPABASE_URL: "http://127.0.0.1:9",
  SUPABASE_PUBLISHABLE_KEYS: '{"default":"sb_publishable_test"}',
  SUPABASE_SECRET_KEYS: '{"default":"sb_secret_test"}',
  SUPABASE_JWKS: '{"keys":[]}',
};
