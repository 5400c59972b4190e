import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";

const names = ["chromium", "chromium-browser", "google-chrome"];
const packages = ["chromium", "fonts-dejavu-core"];
const run = promisify(execFile);

/** Longest time for the installation, in milliseconds: about 100 MB are fetched. */
const installMs = 10 * 60_000;

/**
 * Path of a Chromium: that on PATH, else Debian's package, which is installed first.
 *
 * @throws Error with what to do where it is not there and cannot be installed
 */
export async function chromium(log: (line: string) => void): Promise<string> {
  const found = onPath();
  if (found !== undefined) return found;
  const manual = `install it by hand, for example: apt-get install ${packages.join(" ")}`;
  if (process.getuid?.() !== 0) {
    throw new Error(`this test needs Chromium on PATH, and only root can install it: ${manual}`);
  }
  log(`Chromium is not on PATH: installing Debian's packages ${packages.join(", ")}, once`);
  const options = { timeout: installMs, env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" } };
  // Another test may be at it.
  const wait = ["-o", "DPkg::Lock::Timeout=300", "-qq"];
  try {
    await run("apt-get", [...wait, "update"], options);
    await run("apt-get", [...wait, "install", "-y", "--no-install-recommends", ...packages], options);
  } catch (error) {
    throw new Error(`this test needs Chromium, which could not be installed: ${manual}`, { cause: error });
  }
  const installed = onPath();
  if (installed === undefined) throw new Error(`Chromium is not on PATH though it was installed: ${manual}`);
  return installed;
}

function onPath(): string | undefined {
  const folders = (process.env["PATH"] ?? "").split(delimiter);
  return folders.flatMap((folder) => names.map((name) => join(folder, name))).find(existsSync);
}
