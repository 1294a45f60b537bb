/** `farebox meter`: what the command takes. It asks no Farebox: the body is all that it needs. */
import type { Command } from "commander";

const HELP = `
Prints one JSON object: tokens in disjoint classes, their basis (reported, estimated or none), what
other models used, the provider's own cost, the finish reason, an error, and flags for what was odd.
Whether the body is a stream or one JSON answer is seen from the body itself.

Example: curl -sN https://api.openai.com/v1/chat/completions … \\
           | farebox meter --dialect openai-chat --provider openai

Exit code 2 for an option that is missing or wrong.
`;

/** Registers the command with the program. */
export function addMeterCommand(program: Command): void {
  program.command("meter")
    .description("Counts a provider's answer, given on stdin as it came, as the proxy would.")
    .option(
      "--dialect <name>",
      "openai-chat, openai-responses, anthropic-messages or gemini",
    )
    .option("--provider <id>", "whose answer it is; an unknown one counts as most do")
    .option("--status <code>", "the HTTP status it came with", "200")
    .addHelpText("after", HELP)
    .action(async (options) => {
      Deno.exitCode = await (await import("./meter_command.ts")).meter({
        ...options,
        json: program.opts().json,
      });
    });
}
