/** docs/advisories.md shows the table as it is. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import { advisories } from "../../components/advisories/advisories.ts";
import { type Advisory, Preflight, Validate } from "../../components/advisories/types.ts";

const docs = join(import.meta.dirname, "..", "..", "docs");
const page = readFileSync(join(docs, "advisories.md"), "utf8");

function versions({ versions: { since, fixed } }: Advisory): string {
  return `since ${since}${fixed.length === 0 ? "; every later one, as far as known" : `; mended in ${fixed.join(", ")}`}`;
}

function where({ modes, detectLocalModes, kernels, osImages, foreignImage, setsConntrackLimit }: Advisory) {
  return [
    modes === undefined ? "every mode" : `mode ${modes.map((mode) => mode || "left out").join(", ")}`,
    ...(detectLocalModes === undefined ? [] : [`detectLocalMode ${detectLocalModes.join(", ")}`]),
    ...(foreignImage ? ["an image that is not Kubernetes' own"] : []),
    ...(setsConntrackLimit ? ["conntrack.maxPerCore is not 0"] : []),
    ...(kernels === undefined ? [] : [`Linux ${kernels.since} to below ${kernels.below}`]),
    ...(osImages === undefined
      ? []
      : [osImages.map(({ name, since }) => (since === undefined ? name : `${name} ${since}`)).join(", ")]),
  ].join("; ");
}

function toldBy({ preflight, refuses, validate, doctor }: Advisory): string {
  const parts = [
    {
      [Preflight.always]: `preflight${refuses ? ", an error on the way into it" : ""}`,
      [Preflight.restart]: "preflight, when pods are replaced",
      [Preflight.change]: "preflight, on the way into it",
      [Preflight.never]: "",
    }[preflight],
    {
      [Validate.everyVersion]: "validate, for every version",
      [Validate.affected]: "validate",
      [Validate.never]: "",
    }[validate],
    doctor ? "doctor" : "",
  ];
  return parts.filter((part) => part !== "").join("; ");
}

function sources(row: Advisory): string {
  return row.sources
    .map((url) => {
      const [, , , owner = "", name = "", , ...rest] = url.split("/");
      const number = rest.length === 1 ? `#${rest[0] ?? ""}` : ` ${rest.at(-1) ?? ""}`;
      return `[${owner === "kubernetes" && name === "kubernetes" ? "" : `${owner}/${name}`}${number.trimStart()}](${url})`;
    })
    .join(", ");
}

const rowOf = (row: Advisory) => [
  `\`${row.name}\``,
  versions(row),
  where(row),
  row.what,
  row.remedy,
  toldBy(row),
  sources(row),
];

suite("docs/advisories.md", () => {
  test("has each row as it is in the table, in its order, and no other one", () => {
    const found = page
      .split("\n")
      .filter((line) => line.startsWith("| `"))
      .map((line) =>
        line
          .slice(1, -1)
          .split("|")
          .map((cell) => cell.trim()),
      );
    assert.deepEqual(
      found,
      advisories.map(rowOf),
      advisories.map((row) => `| ${rowOf(row).join(" | ")} |`).join("\n"),
    );
  });

  test("is what the pages on which an advisory is told lead to", () => {
    for (const name of ["preflight.md", "validate.md", "verify.md", "mode.md", "../README.md"]) {
      assert.match(readFileSync(join(docs, name), "utf8"), /\]\((docs\/)?advisories\.md/, name);
    }
  });
});
