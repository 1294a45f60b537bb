/**
 * `deno task build`: the page as a folder of files for any web server, and the npm package.
 *
 *     deno task build --url https://<ref>.supabase.co --key sb_publishable_…
 *
 * Ends with what a browser downloads. Exits 1 where that is more than promised, or anything failed.
 */
import { Command } from "commander";
import { join } from "node:path";
import { buildPackage, clientAndBalanceBytes } from "./build_package.ts";
import { buildPage } from "./build_page.ts";
import { BundleFailed, WEB } from "./build_bundle.ts";
import { DeclarationsFailed } from "./build_declarations.ts";
import { readSettings, SettingsRefused } from "./build_settings.ts";
import { gzippedBytes, loadedAtOnce, overBudget, type Size, sizesTable } from "./build_sizes.ts";

/** What is promised, as gzip sends it. */
const CLIENT_BYTES_MAX = 10_000;
const PAGE_BYTES_MAX = 150_000;

interface BuildOptions {
  readonly url?: string;
  readonly key?: string;
  readonly name?: string;
  readonly addCreditsUrl?: string;
  readonly realtime: boolean;
  readonly out: string;
  readonly json: boolean;
}

/** What `--json` prints, besides `ok`. */
export interface BuildReport {
  readonly page: string;
  readonly package: string;
  readonly version: string;
  /** False where `settings.json` is yet to be written beside the page. */
  readonly hasSettings: boolean;
  readonly sizes: readonly Size[];
}

async function build(options: BuildOptions): Promise<BuildReport> {
  const settings = readSettings(options);
  const pageFolder = join(options.out, "page");
  const packageFolder = join(options.out, "package");
  const page = await buildPage({ outDir: pageFolder, settings });
  const { version } = await buildPackage(packageFolder);

  const atOnce = await loadedAtOnce(pageFolder, [page.entry]);
  const later = page.files.filter((file) => file.endsWith(".js") && !atOnce.includes(file));
  const sizes: Size[] = [
    {
      name: "the client and <farebox-balance>",
      bytes: await clientAndBalanceBytes(),
      bytesMax: CLIENT_BYTES_MAX,
    },
    {
      name: "the page's first load",
      bytes: await gzippedBytes(pageFolder, [
        "index.html",
        page.styles,
        ...atOnce,
      ]),
      bytesMax: PAGE_BYTES_MAX,
    },
  ];
  for (const file of later) {
    const bytes = await gzippedBytes(pageFolder, [file]);
    sizes.push({ name: `page/${file}`, bytes, bytesMax: null });
  }
  return {
    page: pageFolder,
    package: packageFolder,
    version,
    hasSettings: settings !== null,
    sizes,
  };
}

function inWords(report: BuildReport): string {
  const next = report.hasSettings
    ? "Serve it with any web server; see DEPLOYMENT.md for its headers."
    : "It has no settings.json yet: build it with --url and --key to deploy it.";
  return `
The page     ${report.page}
             ${next}
The package  ${report.package} (farebox-web ${report.version})

${sizesTable(report.sizes)}
`;
}

async function main(options: BuildOptions): Promise<number> {
  let report: BuildReport;
  try {
    report = await build(options);
  } catch (error) {
    const isExpected = error instanceof SettingsRefused ||
      error instanceof BundleFailed ||
      error instanceof DeclarationsFailed;
    if (!isExpected) throw error;
    if (options.json) {
      console.log(JSON.stringify({ ok: false, error: error.message }));
    } else console.error(error.message);
    return 1;
  }
  const over = overBudget(report.sizes);
  if (options.json) {
    console.log(JSON.stringify({ ok: over.length === 0, ...report }));
  } else console.log(inWords(report));
  for (const { name } of over) {
    console.error(
      `Too big: ${name}. Load what is not needed at once by a dynamic import().`,
    );
  }
  return over.length === 0 ? 0 : 1;
}

if (import.meta.main) {
  const command = new Command("deno task build")
    .description(
      "Builds the page and the npm package for browsers. With --url and --key the page is ready to\n" +
        "be served; without them it has no settings.json.",
    )
    .option(
      "--url <address>",
      "the project's address, https://<ref>.supabase.co",
    )
    .option(
      "--key <key>",
      "the project's publishable key, sb_publishable_… (never a secret key)",
    )
    .option("--name <name>", "what the page calls itself")
    .option(
      "--add-credits-url <address>",
      'where "Add credits" leads: your shop',
    )
    .option(
      "--no-realtime",
      "for a project without Realtime: the balance is polled",
    )
    .option("--out <folder>", "where to write", join(WEB, "dist"))
    .option("--json", "print one line of JSON", false)
    .allowExcessArguments(false)
    .parse(["deno", "build", ...Deno.args]);
  Deno.exit(await main(command.opts<BuildOptions>()));
}
