/** What a command has printed when it ends. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { pathToFileURL } from "node:url";

const commandLine = pathToFileURL(join(import.meta.dirname, "..", "..", "commands", "commandLine.ts")).href;

test("a report that is longer than a pipe is told to its end, however slowly it is read", async () => {
  const length = 1_000_000;
  const script = `
    const { exitBy, print } = await import(${JSON.stringify(commandLine)});
    await exitBy(async () => { print("x".repeat(${length})); return false; });`;
  // A reader that begins when the pipe is full by all means.
  const line = `"$0" --input-type=module -e "$1" | (sleep 1; cat)`;
  const child = spawn("sh", ["-c", line, process.execPath, script]);
  const [printed] = await Promise.all([text(child.stdout), once(child, "close")]);
  assert.equal(printed.length, length + 1);
});
