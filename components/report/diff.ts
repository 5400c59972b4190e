/** Shows what has changed in a configuration, line by line. */
import { structuredPatch } from "diff";
import { type Markup, markup } from "./markup.ts";

/** More changed lines than this are not compared: it is another configuration. */
const mostEdits = 2000;

const kinds: Readonly<Record<string, string>> = { "+": "add", "-": "del", " ": "same", "\\": "at" };

/**
 * The lines that differ, with three around them; each begins with its sign, so that its colour tells nothing more.
 *
 * @returns null where nothing differs
 */
export function configurationDiff(before: string, after: string): Markup | null {
  if (before === after) return null;
  const patch = structuredPatch("", "", before, after, "", "", { context: 3, maxEditLength: mostEdits });
  if (patch === undefined) return markup`<p>More than ${mostEdits} lines differ.</p>`;
  const lines = patch.hunks.flatMap(({ oldStart, newStart, lines }) => [
    markup`<span class="at">from line ${oldStart}, now ${newStart}</span>`,
    ...lines.map((line) => markup`<span class="${kinds[line.slice(0, 1)] ?? "same"}">${line}</span>`),
  ]);
  return markup`<pre class="diff" tabindex="0" aria-label="Changes of the configuration">${lines}</pre>\n`;
}
