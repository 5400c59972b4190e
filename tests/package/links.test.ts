/** What pages link to is there. */
import assert from "node:assert/strict";
import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";

const root = join(import.meta.dirname, "..", "..");

/** As GitHub makes it of a heading. */
const anchorOf = (heading: string) =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, "")
    .replaceAll(" ", "-");

function anchorsIn(path: string): string[] {
  const text = readFileSync(path, "utf8").replace(/^```.*?^```/gms, "");
  return [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading = ""]) => anchorOf(heading));
}

test("every link from a page to another leads to a file and a heading that are there", () => {
  const pages = globSync(["*.md", "{docs,examples,policy,package,plugin}/**/*.md"], {
    cwd: root,
    exclude: ["**/node_modules/**"],
  });
  assert.ok(pages.includes("docs/policy.md"));
  const broken = pages.flatMap((page) => {
    const text = readFileSync(join(root, page), "utf8");
    return [...text.matchAll(/\]\((?![a-z]+:)([^)#\s]*)(?:#([^)\s]+))?\)/g)].flatMap(
      ([link, file = "", anchor]) => {
        const target = file === "" ? join(root, page) : join(root, dirname(page), file);
        const isThere = existsSync(target) && (anchor === undefined || anchorsIn(target).includes(anchor));
        return isThere ? [] : [`${page}: ${link}`];
      },
    );
  });
  assert.deepEqual(broken, []);
});
