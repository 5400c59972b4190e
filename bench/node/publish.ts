/** Keeps what was measured, and puts it on the page that users read. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { format } from "prettier";
import type { Behaviour } from "./index.ts";
import { draw } from "./picture.ts";
import { tables } from "./table.ts";

const root = join(import.meta.dirname, "../..");
const results = join(root, "bench/behaviour.json");
const page = join(root, "docs/restart-behaviour.md");
const picture = (name: string) => join(root, `docs/pictures/${name}.svg`);

/** What is between these is measured; all else on the page is written by hand. */
const marks = ["<!-- measured -->", "<!-- /measured -->"] as const;

/** What `--node` measured last. */
export function readBehaviour(): Behaviour {
  return JSON.parse(readFileSync(results, "utf8")) as Behaviour;
}

/** Keeps it for {@link readBehaviour}. */
export async function writeBehaviour(behaviour: Behaviour): Promise<void> {
  writeFileSync(results, await formatted(JSON.stringify(behaviour), "json"));
}

/** Everything that is made from measurements, by the path of the file. */
export async function pages(behaviour: Behaviour): Promise<ReadonlyMap<string, string>> {
  const text = await formatted(tables(behaviour), "markdown");
  const pictures = Object.entries(behaviour.timelines).map(([name, timeline]) => {
    return [picture(name), draw(timeline)] as const;
  });
  return new Map([[page, between(readFileSync(page, "utf8"), text)], ...pictures]);
}

function between(content: string, text: string): string {
  const [before, , after] = content.split(new RegExp(marks.join("|")));
  if (before === undefined || after === undefined)
    throw new Error(`${page}: there is no ${marks.join(" … ")}`);
  return `${before}${marks[0]}\n\n${text}\n${marks[1]}${after}`;
}

/** Puts it on docs/restart-behaviour.md, with its pictures. */
export async function publish(behaviour: Behaviour): Promise<void> {
  for (const [path, text] of await pages(behaviour)) writeFileSync(path, text);
}

/** As `npm run format` would leave it. */
export async function formatted(text: string, parser: "json" | "markdown"): Promise<string> {
  return await format(text, { parser, printWidth: 110 });
}
