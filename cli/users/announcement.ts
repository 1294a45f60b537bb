/** One announcement, rendered for one user. Templates are mustache; nothing of a user is code. */
// @ts-types="@types/mustache"
import Mustache from "mustache";
import { BadArgument } from "../arguments.ts";

/** What a template knows. Amounts are for people, such as "$5.00"; empty where there is none. */
export type Words = {
  user_id: string;
  email: string;
  name: string;
  app: string;
  support: string;
  amount: string;
  balance: string;
};

export type Templates = { text: string; html: string };
export type Announcement = { subject: string; text: string; html: string };

/** Reads `announcement.txt` and `announcement.html`. @throws BadArgument where they are no templates. */
export async function readTemplates(folder: URL | string): Promise<Templates> {
  const read = async (name: string) => {
    const file = typeof folder === "string" ? `${folder}/${name}` : new URL(name, folder);
    try {
      const template = await Deno.readTextFile(file);
      Mustache.parse(template);
      return template;
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) {
        throw new BadArgument(
          `There is no template ${file}: --template names a folder with ` +
            "announcement.txt and announcement.html.",
        );
      }
      throw new BadArgument(`${file} is no mustache template: ${(error as Error).message}.`);
    }
  };
  const [text, html] = [await read("announcement.txt"), await read("announcement.html")];
  if (!text.startsWith("Subject: ")) {
    throw new BadArgument('announcement.txt does not begin with a line "Subject: …".');
  }
  return { text, html };
}

/** Renders both parts. A name with a line break in it stays on its line. */
export function render(templates: Templates, words: Words): Announcement {
  const safe = Object.fromEntries(
    Object.entries(words).map(([name, value]) => [name, value.replace(/\p{Cc}+/gu, " ").trim()]),
  );
  const plain = Mustache.render(templates.text, safe, {}, { escape: String });
  const end = plain.indexOf("\n");
  return {
    subject: plain.slice("Subject: ".length, end === -1 ? undefined : end).trim(),
    text: end === -1 ? "" : plain.slice(end).trim() + "\n",
    html: Mustache.render(templates.html, safe),
  };
}
