/**
 * An app that installed the package: a folder with `node_modules` as a package manager leaves it, the
 * package built and unpacked in it, and pages bundled from there and served from an origin of its own.
 */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { serveStatic } from "../../../local/static_files.ts";
import { buildPackage } from "../../../web/build_package.ts";

const PAGES = fileURLToPath(new URL("pages", import.meta.url));

export interface AppProject {
  readonly url: string;
  /** Checks pages against the package's types. @throws Error with what `deno check` said. */
  check(...pages: string[]): Promise<void>;
  close(): Promise<void>;
}

/** @param pages files of the folder `pages`, each then at `/<its name without the ending>.html`. */
export async function startAppProject(pages: readonly string[]): Promise<AppProject> {
  const folder = await Deno.makeTempDir({ prefix: "farebox-app-" });
  for await (const { name } of Deno.readDir(PAGES)) {
    await Deno.copyFile(join(PAGES, name), join(folder, name));
  }
  await deno(folder, "install", "--frozen", "--node-modules-dir=auto");
  await buildPackage(join(folder, "node_modules/farebox-web"));
  await deno(folder, "bundle", "--platform=browser", "--minify", "--outdir", "site", ...pages);
  for (const page of pages) {
    const name = page.replace(/\.tsx?$/, "");
    await Deno.writeTextFile(join(folder, "site", `${name}.html`), htmlOf(name));
  }
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    (request) => serveStatic(join(folder, "site"), request, { "content-security-policy": POLICY }),
  );
  return {
    url: `http://127.0.0.1:${server.addr.port}`,
    check: (...pages) => deno(folder, "check", ...pages),
    async close() {
      await server.shutdown();
      await Deno.remove(folder, { recursive: true });
    },
  };
}

/** As strict as can be for a page that asks a project elsewhere. */
const POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; " +
  "connect-src http://127.0.0.1:*; base-uri 'none'; require-trusted-types-for 'script'";

const htmlOf = (name: string) =>
  `<!doctype html>
<html lang="en">
  <meta charset="utf-8">
  <title>${name}</title>
  <link rel="icon" href="data:,">
  <div id="app"></div>
  <script type="module" src="./${name}.js"></script>
</html>
`;

async function deno(cwd: string, ...args: string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args,
    cwd,
    env: { NO_COLOR: "1" },
    stdout: "null",
    stderr: "piped",
  }).output();
  if (!success) throw new Error(`deno ${args[0]}: ${new TextDecoder().decode(stderr)}`);
}
