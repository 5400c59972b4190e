import { join } from "node:path";

import { cached, hashOf, type MakeOptions } from "./cache.ts";
import { findGo, goBuild, goModule } from "./go.ts";

/** The Go module of everything that is Kubernetes' own. */
export const module = goModule(join(import.meta.dirname, "go"));

/** The Kubernetes release the lab runs, as in `lab/go/go.mod`, for example `v1.37.2`. */
export const kubernetesVersion = module.releaseOf("k8s.io/kubernetes");

/** The kwok release that plays the nodes, as in `lab/go/go.mod`, for example `v0.8.0`. */
export const kwokVersion = module.releaseOf("sigs.k8s.io/kwok");

/**
 * The lab's multi-call binary: every component of the control plane, built from Kubernetes' own
 * packages. Built when it is not in the cache yet, which takes 5 to 7 minutes on 2 cores. It is made
 * anew for other files in `lab/go`, other linker flags, another Go release or platform.
 *
 * @returns Path of the executable; its first argument, or the name it is called by, chooses the
 *   component.
 * @throws Error when Go is missing or too old, when a module cannot be downloaded, or when the
 *   compiler refuses the source.
 */
export async function binary(options: MakeOptions): Promise<string> {
  const go = await findGo(module);
  const hash = hashOf([go.version, go.platform, linkerFlags()], module.folder);
  const entry = { what: "the same control plane", name: "lab", hash };
  return await cached(entry, options, async (path) => {
    options.log(
      `Building Kubernetes ${kubernetesVersion}'s control plane and kwok ${kwokVersion} from source, ` +
        "once: about 6 minutes on 2 cores, less with a warm Go cache.",
    );
    await goBuild(module, ["-ldflags", linkerFlags(), "-o", path, "."], options);
  });
}

/** What makes a program say that it is of {@link kubernetesVersion}. */
export function linkerFlags(): string {
  const [major = "", minor = ""] = kubernetesVersion.slice(1).split(".");
  const version = {
    gitVersion: kubernetesVersion,
    gitMajor: major,
    gitMinor: minor,
    // The module proxy does not tell the commit; left alone, "$Format:%H$" would show up in every
    // User-Agent, empty becomes "unknown". "archive" is Kubernetes' word for a source without git.
    gitCommit: "",
    gitTreeState: "archive",
  };
  const stamps = ["k8s.io/component-base/version", "k8s.io/client-go/pkg/version"].flatMap((path) =>
    Object.entries(version).map(([name, value]) => `-X ${path}.${name}=${value}`),
  );
  return ["-s", "-w", ...stamps].join(" "); // -s -w: no symbol table, a third smaller.
}
