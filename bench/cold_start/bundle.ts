/** A function with all that it imports, in one file. */
import { dirname } from "node:path";

/** Writes the minified bundle of a module to `target`. @throws Error when it cannot be bundled. */
export async function bundle(file: string, config: string, target: string): Promise<void> {
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...["bundle", "--quiet", "--minify", "--platform=deno", `--config=${config}`],
      ...[`--output=${target}`, file],
    ],
    cwd: dirname(file),
    env: { NO_COLOR: "1" },
  }).output();
  if (!success) throw new Error(`Cannot bundle ${file}: ${new TextDecoder().decode(stderr)}`);
}
