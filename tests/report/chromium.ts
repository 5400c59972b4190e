/** Debian's Chromium, for pages that are to be seen in a real browser. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Browser, chromium } from "playwright-core";
import { cached, hashOf, type MakeOptions } from "../../lab/cache.ts";
import { run, runOrFail } from "../../lab/tools.ts";

/**
 * Without versions, unlike those of the lab: Debian has but the newest Chromium, and takes the one before away. Where it is made,
 * everything else that it needs and this machine does not have is made, too.
 */
const packages = ["chromium", "chromium-common", "fonts-dejavu-core"];

/**
 * Starts Chromium, headless: the one that the variable CHROMIUM names by its path, else Debian's where it is installed, else
 * one from the cache, made first from Debian's packages in about half a minute.
 *
 * @throws Error when it can be neither made nor started, with what to do.
 */
export async function startChromium(log: (line: string) => void): Promise<Browser> {
  const { file, env } = await program(log);
  try {
    // As root it has no sandbox; what it opens are this project's own pages.
    return await chromium.launch({ executablePath: file, env, args: ["--no-sandbox"], timeout: 60_000 });
  } catch (error) {
    throw new Error(`${file} does not start. ${advice}\n${String(error)}`, { cause: error });
  }
}

const installed = "/usr/bin/chromium";

const advice =
  "The report is tested in a real browser: on Debian or Ubuntu run the test where apt-get reaches its mirrors, elsewhere set the " +
  "variable CHROMIUM to the path of a Chromium or Chrome.";

async function program(log: (line: string) => void): Promise<{ file: string; env: Record<string, string> }> {
  const own = Object.entries(process.env).flatMap(([key, value]) =>
    value === undefined ? [] : [[key, value]],
  );
  const env = Object.fromEntries(own) as Record<string, string>;
  const given = env["CHROMIUM"] ?? "";
  if (given !== "") return { file: given, env };
  if (existsSync(installed)) return { file: installed, env };
  const options: MakeOptions = { log };
  const entry = { what: "Chromium", name: "chromium", hash: hashOf([packages, process.arch]) };
  const root = await cached(entry, options, async (folder) => {
    try {
      await make(folder, options);
    } catch (error) {
      throw new Error(`Chromium could not be had from Debian's packages. ${advice}\n${String(error)}`, {
        cause: error,
      });
    }
  });
  const libraries = readdirSync(join(root, "usr/lib"))
    .filter((name) => name.endsWith("-linux-gnu"))
    .map((name) => join(root, "usr/lib", name));
  return {
    file: join(root, "usr/lib/chromium/chromium"),
    env: { ...env, LD_LIBRARY_PATH: libraries.join(":"), FONTCONFIG_SYSROOT: root },
  };
}

/** Downloads what it takes by lists of its own, and unpacks it: nothing is installed on this machine. */
async function make(folder: string, { log, signal }: MakeOptions): Promise<void> {
  log(`Unpacking Debian's ${packages.join(", ")} with what they need: 124 MB to download.`);
  const work = mkdtempSync(join(tmpdir(), "chromium-packages-"));
  try {
    for (const part of ["lists/partial", "cache/archives/partial"])
      mkdirSync(join(work, part), { recursive: true });
    const apt = (...args: string[]) => ({
      file: "apt-get",
      args: [
        ...["-o", `Dir::State::Lists=${join(work, "lists")}`, "-o", `Dir::Cache=${join(work, "cache")}`],
        // Nothing is installed, so that nobody is to be kept from installing, either.
        ...["-o", "APT::Sandbox::User=root", "-o", "Debug::NoLocking=1", ...args],
      ],
      env: process.env,
    });
    // One of the user's sources may fail and yet another one have all that is needed.
    await run(apt("update"), { signal });
    // Again though it may be installed: what is unpacked is what is used.
    const how = ["--yes", "--no-install-recommends", "--download-only", "--reinstall"];
    await runOrFail(apt("install", ...how, ...packages), { signal });
    const archives = join(work, "cache/archives");
    for (const name of readdirSync(archives).filter((each) => each.endsWith(".deb"))) {
      const args = ["--extract", join(archives, name), folder];
      mkdirSync(folder, { recursive: true });
      await runOrFail({ file: "dpkg-deb", args, env: process.env }, { signal });
    }
    if (!existsSync(join(folder, "usr/lib/chromium/chromium")))
      throw new Error("its package has no chromium");
  } finally {
    rmSync(work, { recursive: true });
  }
}
