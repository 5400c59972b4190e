/** Keeps what was measured, and puts it on the pages that users read. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { format } from "prettier";
import type { Timeline } from "./node/behaviour.ts";
import type { Behaviour } from "./node/index.ts";
import { draw } from "./node/picture.ts";
import { tables } from "./node/table.ts";
import type { Switches } from "./vm/results.ts";
import { switchTable } from "./vm/table.ts";

const root = join(import.meta.dirname, "..");
const picture = (name: string) => join(root, `docs/pictures/${name}.svg`);

/** What is between these is measured; all else on a page is written by hand. */
const marks = ["<!-- measured -->", "<!-- /measured -->"] as const;

/** What was measured, and where it goes. */
export class Publication<T extends { readonly timelines: Readonly<Record<string, Timeline>> }> {
  readonly #results: string;
  readonly #page: string;
  readonly #textOf: (measured: T) => string;

  /**
   * @param results - The file with what was measured.
   * @param page - The page that it goes to, and its pictures beside that.
   * @param textOf - What the page has between its marks.
   */
  constructor(results: string, page: string, textOf: (measured: T) => string) {
    this.#results = join(root, results);
    this.#page = join(root, page);
    this.#textOf = textOf;
  }

  /** What was measured last. */
  read(): T {
    return JSON.parse(readFileSync(this.#results, "utf8")) as T;
  }

  /** Keeps it for {@link read}. */
  async keep(measured: T): Promise<void> {
    writeFileSync(this.#results, await formatted(JSON.stringify(measured), "json"));
  }

  /** Everything that is made from what was measured last, by the path of the file. */
  async pages(): Promise<ReadonlyMap<string, string>> {
    const measured = this.read();
    const text = await formatted(this.#textOf(measured), "markdown");
    const pictures = Object.entries(measured.timelines).map(([name, timeline]) => {
      return [picture(name), draw(timeline)] as const;
    });
    return new Map([[this.#page, this.#pageWith(text)], ...pictures]);
  }

  /** Puts it on its page, with its pictures. */
  async publish(): Promise<void> {
    for (const [path, text] of await this.pages()) writeFileSync(path, text);
  }

  #pageWith(text: string): string {
    const [before, , after] = readFileSync(this.#page, "utf8").split(new RegExp(marks.join("|")));
    if (before === undefined || after === undefined)
      throw new Error(`${this.#page}: there is no ${marks.join(" … ")}`);
    return `${before}${marks[0]}\n\n${text}\n${marks[1]}${after}`;
  }
}

/** What `--node` measures. */
export const behaviour = new Publication<Behaviour>(
  "bench/behaviour.json",
  "docs/restart-behaviour.md",
  tables,
);

/** What `--vm` measures. */
export const switches = new Publication<Switches>("bench/switches.json", "docs/mode.md", switchTable);

/** As `npm run format` would leave it. */
export async function formatted(text: string, parser: "json" | "markdown"): Promise<string> {
  return await format(text, { parser, printWidth: 110 });
}
