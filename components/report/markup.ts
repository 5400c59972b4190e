/** Writes HTML, as text. Only what is {@link Markup} goes in as it is; all else is escaped. */
import { escape } from "./escape.ts";

/** HTML or SVG that this room has written. */
export class Markup {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** What goes between markup: markup as it is, nothing for null, all else as escaped text. */
export type Content = Markup | string | number | null | readonly Content[];

/** A template of HTML; what is put into it is escaped, but for markup. */
export function markup(parts: TemplateStringsArray, ...contents: readonly Content[]): Markup {
  return new Markup(String.raw({ raw: parts }, ...contents.map(written)));
}

function written(content: Content): string {
  if (content === null) return "";
  if (content instanceof Markup) return content.text;
  return typeof content === "object" ? content.map(written).join("") : escape(String(content));
}

/** A number as its reader sees it, with the value itself for programs. */
export function data(id: string, value: number | string | null, shown: string): Content {
  return value === null ? shown : markup`<data id="${id}" value="${value}">${shown}</data>`;
}

/** A list of sentences, with a class of its own. */
export function list(kind: string, items: readonly Content[]): Markup {
  return markup`<ul class="${kind}">${items.map((item) => markup`<li>${item}</li>\n`)}</ul>\n`;
}

/** A part of the page under a heading; nothing where there is nothing to say. */
export function section(id: string, heading: string, ...contents: readonly Content[]): Content {
  return contents.every((each) => each === null)
    ? null
    : markup`<section id="${id}" aria-labelledby="${id}-heading">\n<h2 id="${id}-heading">${heading}</h2>\n${contents}</section>\n`;
}

/**
 * A table whose first column names its rows.
 *
 * @param head - Names of the columns; those of numbers, on the right, end with a space.
 */
export function table(
  caption: string,
  head: readonly string[],
  rows: readonly (readonly Content[])[],
): Markup {
  const classes = head.map((name) => (name.endsWith(" ") ? new Markup(' class="n"') : null));
  const cells = (row: readonly Content[]) =>
    row.map((content, column) =>
      column === 0
        ? markup`<th scope="row">${content}</th>`
        : markup`<td${classes[column] ?? null}>${content}</td>`,
    );
  const names = head.map(
    (name, column) => markup`<th scope="col"${classes[column] ?? null}>${name.trim()}</th>`,
  );
  return markup`<div class="scroll" tabindex="0" role="region" aria-label="${caption}"><table>
<caption>${caption}</caption>
<thead><tr>${names}</tr></thead>
<tbody>
${rows.map((row) => markup`<tr>${cells(row)}</tr>\n`)}</tbody>
</table></div>
`;
}
