import { assert, assertEquals, assertMatch } from "@std/assert";
import { fileURLToPath } from "node:url";
import { providerEnvironment } from "../../local/function_environment.ts";
import { type Stack, startStack } from "../../local/stack.ts";
import { type RunningFunction, startUploaded, unpack } from "../support/edge_deno.ts";
import { startManagementApi, type Upload } from "../support/management_api.ts";
import { CLI_MISSING, runSupabaseCli } from "../support/supabase_cli.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const SLUGS = ["balance", "chat-proxy", "init-balance", "pricing-health"];

/** Registers a test of what the official CLI uploads to a local stand-in of the management API. */
function testDeployed(name: string, test: (uploads: Map<string, Upload>) => Promise<void> | void) {
  Deno.test({
    name: CLI_MISSING ? `${name} [${CLI_MISSING}]` : name,
    ignore: CLI_MISSING !== null,
    fn: async () => {
      const api = await startManagementApi();
      try {
        await runSupabaseCli(["functions", "deploy", "--use-api", ...api.cliArgs], {
          workdir: ROOT,
          env: api.cliEnv,
        });
        await test(api.uploads);
      } finally {
        await api.close();
      }
    },
  });
}

/** Runs `test` with an upload that was started alone in an empty folder. */
async function withRunning(
  upload: Upload,
  env: Record<string, string>,
  test: (running: RunningFunction) => Promise<void>,
): Promise<void> {
  const folder = await Deno.realPath(await Deno.makeTempDir({ prefix: "farebox-upload-" }));
  try {
    await unpack(upload, folder);
    const running = await startUploaded(upload, folder, env);
    try {
      await test(running);
    } finally {
      await running.stop();
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function uploadOf(uploads: Map<string, Upload>, slug: string): Upload {
  const upload = uploads.get(slug);
  if (upload === undefined) throw new Error(`${slug} was not uploaded`);
  return upload;
}

testDeployed(
  "the CLI deploys four functions, verify_jwt off, each with its own deno.json",
  (uploads) => {
    assertEquals([...uploads.keys()].sort(), SLUGS);
    for (const { slug, metadata, files, isActive } of uploads.values()) {
      assert(isActive, `${slug} was uploaded but not activated`);
      assertEquals(metadata.verify_jwt, false, `${slug} authenticates its callers itself`);
      assertEquals(metadata.entrypoint_path, `supabase/functions/${slug}/index.ts`);
      assertEquals(metadata.import_map_path, `supabase/functions/${slug}/deno.json`);
      assert(files.has(metadata.entrypoint_path), `${slug} has no entrypoint`);
      const foreign = [...files.keys()].filter((path) =>
        !path.startsWith(`supabase/functions/${slug}/`) && !path.startsWith("shared/")
      );
      assertEquals(foreign, [], `${slug} uploads its folder and shared code only`);
    }
  },
);

/** The variables that Supabase injects, for a project that is not there. */
const UNREACHABLE_PROJECT = {
  SUPABASE_URL: "http://127.0.0.1:9",
  SUPABASE_PUBLISHABLE_KEYS: '{"default":"sb_publishable_test"}',
  SUPABASE_SECRET_KEYS: '{"default":"sb_secret_test"}',
  SUPABASE_JWKS: '{"keys":[]}',
};

testDeployed("each upload starts under Deno 2.1.4, alone in an empty folder", async (uploads) => {
  for (const upload of uploads.values()) {
    await withRunning(upload, UNREACHABLE_PROJECT, async (running) => {
      const answer = await fetch(`${running.url}/${upload.slug}`, { method: "OPTIONS" });
      await answer.body?.cancel();
      assert(answer.status < 500, `${upload.slug}: ${answer.status}\n${running.output()}`);
    });
  }
});

/** A path of each API but Chat Completions, and what is asked there. */
const OTHER_DIALECTS = [
  ["/v1/responses", { model: "openai:gpt-4o", input: "Say hello." }],
  ["/v1/messages", {
    model: "anthropic:claude-haiku-4-5",
    max_tokens: 100,
    system: "Be brief.",
    messages: [{ role: "user", content: "Say hello." }],
  }],
  ["/v1beta/models/google:gemini-2.5-flash:generateContent", {
    contents: [{ role: "user", parts: [{ text: "Say hello." }] }],
  }],
] as const;

testDeployed(
  "the uploads serve every API, metered, under Deno 2.1.4",
  async (uploads) => {
    const dataDir = await Deno.makeTempDir({ prefix: "farebox-official-" });
    await Deno.chmod(dataDir, 0o755);
    const stack = await startStack({ dataDir, durable: false, usesProviderKeys: false });
    try {
      const env = {
        SUPABASE_URL: stack.details.url,
        SUPABASE_PUBLISHABLE_KEYS: JSON.stringify({ default: stack.details.publishableKey }),
        SUPABASE_SECRET_KEYS: JSON.stringify({ default: stack.details.secretKey }),
        SUPABASE_JWKS: '{"keys":[]}',
        ...providerEnvironment({}, stack.demoProvider.url).variables,
      };
      const token = await signIn(stack);
      const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };

      await withRunning(uploadOf(uploads, "chat-proxy"), env, async ({ url, output }) => {
        const answer = await fetch(`${url}/chat-proxy/v1/chat/completions`, {
          method: "POST",
          headers,
          body: JSON.stringify({
            model: "openai:gpt-4o",
            stream: true,
            messages: [{ role: "user", content: "Say hello." }],
          }),
        });
        const text = await answer.text();
        assertEquals(answer.status, 200, `${text}\n${output()}`);
        assertMatch(text, /^data: \{/m, output());
        assertMatch(text, /: farebox \{.*"cost":"0\.\d+".*"basis":"reported"/, output());
        assertMatch(text, /data: \[DONE\]/, output());
        // Their code is loaded with the first request, and has to have been uploaded.
        await Promise.all(OTHER_DIALECTS.map(async ([path, body]) => {
          const answer = await fetch(`${url}/chat-proxy${path}`, {
            method: "POST",
            headers,
            body: JSON.stringify(body),
          });
          const text = await answer.text();
          assertEquals(answer.status, 200, `${path}: ${text}\n${output()}`);
        }));
      });

      await withRunning(uploadOf(uploads, "balance"), env, async ({ url, output }) => {
        const answer = await fetch(`${url}/balance`, { headers });
        const text = await answer.text();
        assertEquals(answer.status, 200, `${text}\n${output()}`);
        const { balance } = JSON.parse(text);
        assert(balance < 10 && balance > 9.9, `the balance is ${balance}`);
        const usage = await fetch(`${url}/balance/usage`, { headers });
        const { records } = await usage.json();
        assertEquals(records.length, 1 + OTHER_DIALECTS.length, output());
        for (const [, body] of OTHER_DIALECTS) {
          const estimate = await fetch(`${url}/balance/estimate`, {
            method: "POST",
            headers,
            body: JSON.stringify({ model: "openai:gpt-4o", ...body }),
          });
          assertEquals(estimate.status, 200, `${await estimate.text()}\n${output()}`);
        }
      });

      await withRunning(uploadOf(uploads, "pricing-health"), env, async ({ url, output }) => {
        const answer = await fetch(`${url}/pricing-health`);
        assertEquals(await answer.json(), { status: "ok" }, output());
      });
    } finally {
      await stack.stop();
      await Deno.remove(dataDir, { recursive: true });
    }
  },
);

/** The access token of the stack's demo user. */
async function signIn({ details }: Stack): Promise<string> {
  const answer = await fetch(`${details.url}/auth/v1/token?grant_type=password`, {
    method: "POST",
    headers: { apikey: details.publishableKey, "content-type": "application/json" },
    body: JSON.stringify(details.demoUser),
  });
  const { access_token }: { access_token: string } = await answer.json();
  return access_token;
}
