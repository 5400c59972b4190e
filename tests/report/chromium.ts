/** Debian's Chromium, for pages that are to be seen in a real browser. */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { promisify } from "node:util";
import { type Browser, chromium } from "playwright-core";

const packages = ["chromium", "fonts-dejavu-core"];
const installed = "/usr/bin/chromium";
const run = promisify(execFile);

/** Longest time for the installation, in milliseconds: about 100 MB are fetched. */
const installMs = 10 * 60_000;

const advice =
  "The report is tested in a real browser: on Debian or Ubuntu run the test as root, where apt-get reaches its mirrors, elsewhere set " +
  "the variable CHROMIUM to the path of a Chromium or Chrome.";

/**
 * Starts Chromium, headless: the one that the variable CHROMIUM names by its path, else Debian's package, which is installed
 * where it is missing.
 *
 * @throws Error when it can be neither had nor started, with what to do
 */
export async function startChromium(log: (line: string) => void): Promise<Browser> {
  const executablePath = process.env["CHROMIUM"] || (await debians(log));
  try {
    // As root it has no sandbox; what it opens are this project's own pages.
    return await chromium.launch({ executablePath, args: ["--no-sandbox"], timeout: 60_000 });
  } catch (error) {
    throw new Error(`${executablePath} does not start. ${advice}\n${String(error)}`, { cause: error });
  }
}

async function debians(log: (line: string) => void): Promise<string> {
  if (existsSync(installed)) return installed;
  log(`Installing Debian's packages ${packages.join(", ")}, once: about half a minute.`);
  const options = { timeout: installMs, env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" } };
  // Another test may be at it.
  const wait = ["-qq", "-o", "DPkg::Lock::Timeout=300"];
  try {
    await run("apt-get", [...wait, "update"], options);
    await run("apt-get", [...wait, "install", "-y", "--no-install-recommends", ...packages], options);
  } catch (error) {
    throw new Error(`Chromium could not be installed. ${advice}\n${String(error)}`, { cause: error });
  }
  return installed;
}
