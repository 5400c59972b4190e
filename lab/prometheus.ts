import { mkdirSync } from "node:fs";
import { join } from "node:path";

import { cached, hashOf, type MakeOptions } from "./cache.ts";
import { findGo, goBuild, goModule } from "./go.ts";
import { interruptible } from "./process.ts";

const module = goModule(join(import.meta.dirname, "prometheus"));

/** The Prometheus release, as in `lab/prometheus/go.mod`, for example `3.16.0`. */
export const prometheusVersion = versionOf(module.releaseOf("github.com/prometheus/prometheus"));

/** As they are, without finding what to scrape in clouds, which is most of a Prometheus; files can still tell. */
const build = {
  packages: [
    "github.com/prometheus/prometheus/cmd/prometheus",
    "github.com/prometheus/prometheus/cmd/promtool",
  ],
  args: [
    ...["-tags", "remove_all_sd,netgo,osusergo"],
    ...["-ldflags", `-s -w -X github.com/prometheus/common/version.Version=${prometheusVersion}`],
  ],
} as const;

/**
 * Prometheus' own `promtool`, which checks and tests rules. Built together with {@link prometheus} when they are not in
 * the cache yet, which takes about 3 minutes on 2 cores; anything else in `lab/prometheus` or another Go release makes
 * them anew.
 *
 * @param log - Takes one line of progress at a time.
 * @returns Path of the executable.
 * @throws Error when Go is missing or too old, when a module cannot be downloaded, or when the compiler refuses the
 *   source.
 */
export async function promtool(log: (line: string) => void): Promise<string> {
  return join(await programs(log), "promtool");
}

/**
 * Prometheus itself, without the pages of its web interface, which are in no Go module; its API is all there. Built as
 * {@link promtool} is.
 *
 * @param log - Takes one line of progress at a time.
 * @returns Path of the executable.
 * @throws As {@link promtool}.
 */
export async function prometheus(log: (line: string) => void): Promise<string> {
  return join(await programs(log), "prometheus");
}

async function programs(log: (line: string) => void): Promise<string> {
  const go = await findGo(module);
  const hash = hashOf([go.version, go.platform, build], module.folder);
  const entry = { what: "the same Prometheus", name: "prometheus-bin", hash };
  return await interruptible((signal) => {
    const options: MakeOptions = { log, signal };
    return cached(entry, options, async (folder) => {
      log(`Building Prometheus ${prometheusVersion} from source, once: about 3 minutes on 2 cores.`);
      mkdirSync(folder);
      await goBuild(module, [...build.args, "-o", `${folder}/`, ...build.packages], options);
    });
  });
}

/** Go's modules may not be of major version 3 by name: 3.16.0 is v0.316.0 there. */
function versionOf(release: string): string {
  const [, digits = "", patch = ""] = /^v0\.(\d+)\.(\d+)$/.exec(release) ?? [];
  return `${digits[0]}.${Number(digits.slice(1))}.${patch}`;
}
