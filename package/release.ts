// `node package/release.ts TAG`: prints what is new in the version that is tagged, or refuses the tag.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { releaseNotes } from "./notes.ts";

const read = (name: string) => readFileSync(join(import.meta.dirname, "..", name), "utf8");
const { version } = JSON.parse(read("package.json")) as { version: string };
try {
  process.stdout.write(releaseNotes(process.argv[2] ?? "", version, read("CHANGELOG.md")));
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
