import * as z from "zod/mini";
// @ts-types="@types/papaparse"
import Papa from "papaparse";
import { BadArgument, requireAmount } from "../arguments.ts";
import type { Target } from "../target.ts";
import { counted, usdWithCents } from "../usd.ts";
import { type Announcement, readTemplates, render, type Templates } from "./announcement.ts";

export type AnnounceOptions = {
  app: string;
  support: string;
  to: "credited" | "all";
  amount?: string;
  template?: string;
  out?: string;
};

const Page = z.object({
  users: z.array(z.object({
    user_id: z.string(),
    email: z.nullable(z.string()),
    name: z.nullable(z.string()),
    /** What init-users credited; null for who has it not from there. */
    amount: z.nullable(z.string()),
    balance: z.string(),
  })),
  last: z.nullable(z.string()),
  done: z.boolean(),
});
type User = z.infer<typeof Page>["users"][number];

type Letter = Announcement & { user_id: string; email: string };

const PAGE_USERS = 500;

/** Renders for every user with an address; tells on stderr how many, and how many have none. */
export async function announce(target: Target, options: AnnounceOptions): Promise<number> {
  if (options.amount !== undefined) requireAmount(options.amount, false);
  if (!/^[^\s@<>"]+@[^\s@<>"]+$/.test(options.support)) {
    throw new BadArgument(`--support ${options.support} is not an e-mail address.`);
  }
  const templates = await readTemplates(
    options.template ?? new URL("./", import.meta.url),
  );
  const deliver = await openOutlet(target, options.out);
  let unreachable = 0;
  let rendered = 0;
  for await (const user of usersToTell(target, options.to)) {
    if (user.email === null) unreachable++;
    else {
      await deliver(letterTo({ ...user, email: user.email }, templates, options));
      rendered++;
    }
  }
  const missed = unreachable === 0 ? "" : `; ${counted(unreachable)} have no e-mail address`;
  const whom = options.to === "credited" ? "credited by init-users" : "known";
  console.error(`✓ ${counted(rendered)} announcements for users ${whom}${missed}.`);
  if (target.json && options.out !== undefined) {
    console.log(JSON.stringify({
      out: options.out,
      to: options.to,
      announcements: rendered,
      without_address: unreachable,
    }));
  }
  return 0;
}

async function* usersToTell(target: Target, to: AnnounceOptions["to"]): AsyncGenerator<User> {
  let after: string | null = null;
  for (let done = false; !done;) {
    const page: z.infer<typeof Page> = await target.call("users_to_tell", {
      p_to: to,
      p_after: after,
      p_limit: PAGE_USERS,
    }, Page);
    yield* page.users;
    [after, done] = [page.last, page.done];
  }
}

function letterTo(
  user: User & { email: string },
  templates: Templates,
  options: AnnounceOptions,
): Letter {
  const { user_id, email } = user;
  const amount = user.amount ?? options.amount;
  const announcement = render(templates, {
    user_id,
    email,
    name: user.name ?? "",
    app: options.app,
    support: options.support,
    amount: amount === undefined ? "" : usdWithCents(amount),
    balance: usdWithCents(user.balance),
  });
  return { user_id, email, ...announcement };
}

/** Where letters go: files, lines of JSON, or text for people. */
async function openOutlet(
  target: Target,
  folder: string | undefined,
): Promise<(letter: Letter) => Promise<void> | void> {
  if (folder === undefined) {
    return (letter) =>
      console.log(
        target.json
          ? JSON.stringify(letter)
          : `To: ${letter.email}\nSubject: ${letter.subject}\n\n${letter.text}`,
      );
  }
  // Addresses are personal data: nobody else on this machine need read them.
  await Deno.mkdir(folder, { recursive: true, mode: 0o700 });
  const list = `${folder}/recipients.csv`;
  const mode = 0o600;
  await Deno.writeTextFile(list, csvLine(["user_id", "email", "subject", "text", "html"]), {
    mode,
  });
  return async ({ user_id, email, subject, text, html }) => {
    const [textFile, htmlFile] = [`${user_id}.txt`, `${user_id}.html`];
    await Deno.writeTextFile(`${folder}/${textFile}`, text, { mode });
    await Deno.writeTextFile(`${folder}/${htmlFile}`, html, { mode });
    const line = csvLine([user_id, email, subject, textFile, htmlFile]);
    await Deno.writeTextFile(list, line, { append: true });
  };
}

/** A spreadsheet must not take an address for a formula. */
function csvLine(cells: string[]): string {
  return `${Papa.unparse([cells], { escapeFormulae: true })}\n`;
}
