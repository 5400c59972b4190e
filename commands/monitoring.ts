import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { monitoringFiles } from "../components/monitoring/files.ts";
import { print, runCommand } from "./commandLine.ts";

const usage = `Usage: npm run --silent monitoring -- [--check]

Writes the rules for Prometheus in the folder monitoring, from components/monitoring.

  --check  writes nothing; ends with 1 where a file is not what it would be`;

const folder = join(import.meta.dirname, "..", "monitoring");

function main(): void {
  const { values } = parseArgs({ options: { check: { type: "boolean" }, help: { type: "boolean" } } });
  if (values.help === true) {
    print(usage);
    return;
  }
  const differing = Object.entries(monitoringFiles()).filter(([name, text]) => contentOf(name) !== text);
  if (values.check === true) {
    for (const [name] of differing) print(`monitoring/${name} differs; "npm run monitoring" writes it`);
    process.exitCode = differing.length > 0 ? 1 : 0;
    return;
  }
  for (const [name, text] of differing) {
    writeFileSync(join(folder, name), text);
    print(`monitoring/${name} written`);
  }
}

function contentOf(name: string): string | undefined {
  try {
    return readFileSync(join(folder, name), "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

await runCommand({ usage }, main);
