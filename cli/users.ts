/** `farebox`: commands for all users at once. The commands themselves are loaded when they run. */
import { type Command, Option } from "commander";
import type { Run } from "./run.ts";

/** Registers the commands with the program. */
export function addUserCommands(program: Command, run: Run): void {
  addInitUsers(program, run);
  addAnnounce(program, run);
}

const INIT_USERS_HELP = `
Every user who has had no credit yet gets it once, on the key of the welcome credit: who was welcomed
has no more, and a second run changes nothing. A run that was cut off is begun again by the same
command. Anonymous users get their welcome credit when they sign up for real.

Exit codes: 0 all have it · 1 nothing was granted though something was due, or it was cut off.

Examples:
  farebox init-users --amount 5 --dry-run
  farebox init-users --amount 5 --yes
`;

function addInitUsers(program: Command, run: Run): void {
  program.command("init-users")
    .description("Grants every existing user credit, once, whatever their number.")
    .requiredOption("--amount <usd>", "what each of them gets")
    .option("--page <users>", "users in one transaction", "500")
    .option("--dry-run", "only count", false)
    .option("--yes", "grant without asking", false)
    .addHelpText("after", INIT_USERS_HELP)
    .action((options) =>
      run(async (target) => (await import("./users/init_users.ts")).initUsers(target, options))
    );
}

const ANNOUNCE_HELP = `
Sends nothing: it writes what your mailer is to send. Without --out the texts go to stdout, with --json
one line of JSON each (user_id, email, subject, text, html). With --out each user has a file pair,
<user id>.txt and .html, and recipients.csv lists them; --json then prints how many there are.

Templates are mustache: announcement.txt, whose first line is "Subject: …", and announcement.html, in the
folder of --template. They know name, email, app, support, amount, balance and user_id; amount and name are
empty where there is none. In HTML every value is escaped.

Examples:
  farebox announce --app Chatty --support help@chatty.example --out mails
  farebox --json announce --app Chatty --support help@chatty.example --to all --amount 5
`;

function addAnnounce(program: Command, run: Run): void {
  program.command("announce")
    .description("Renders the announcement of the credit, text and HTML, for the users affected.")
    .requiredOption("--app <name>", "the app's name")
    .requiredOption("--support <address>", "where questions go")
    .addOption(
      new Option("--to <whom>", "those whom init-users credited, or everybody known")
        .choices(["credited", "all"]).default("credited"),
    )
    .option("--amount <usd>", "what to name to those who were not credited by init-users")
    .option("--template <folder>", "own templates, in place of the house's")
    .option("--out <folder>", "write files there")
    .addHelpText("after", ANNOUNCE_HELP)
    .action((options) =>
      run(async (target) => (await import("./users/announce.ts")).announce(target, options))
    );
}
