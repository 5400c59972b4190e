import { copyFileSync, mkdirSync, rmSync } from "node:fs";
import { basename, dirname, join } from "node:path";

import { kubernetesVersion } from "../build.ts";
import { cached, hashOf } from "../cache.ts";
import type { MakeOptions } from "../cache.ts";
import { findGo, goBuild, goModule } from "../go.ts";
import { writeArchive } from "./archive.ts";
import { packages, unpackPackages } from "./packages.ts";

/** What a real node runs beside Kubernetes: paths in the lab's cache. */
export interface NodeSoftware {
  /** Folder of containerd, its shim and `ctr`, runc, the CNI plugins, and labnode (`lab/real/go`). */
  bin: string;
  /** Folder of a small Linux system, made of {@link packages}. */
  userland: string;
  /** Archive of {@link images}. */
  images: string;
}

/** The names of the images that every real node has; no registry can be reached from it. */
export const images = {
  /** kube-proxy as kubeadm names it. */
  kubeProxy: `registry.k8s.io/kube-proxy:${kubernetesVersion}`,
  /** The same one by another name, for whoever changes the image. */
  otherKubeProxy: `registry.example.com/kube-proxy:${kubernetesVersion}`,
  /** labnode: `pause`, which every pod's sandbox runs, `server` and `probe`. */
  labnode: "registry.example.com/labnode:v1",
} as const;

const module = goModule(join(import.meta.dirname, "go"));

/** What is built of the module, as the programs' own Makefiles build it for a host without these file systems. */
const builds = [
  {
    packages: [
      "github.com/containerd/containerd/v2/cmd/containerd",
      "github.com/containerd/containerd/v2/cmd/containerd-shim-runc-v2",
      "github.com/containerd/containerd/v2/cmd/ctr",
      "github.com/containernetworking/plugins/plugins/ipam/host-local",
      "github.com/containernetworking/plugins/plugins/main/ptp",
      "kube-proxy-as-code/lab/real/labnode",
    ],
    tags: "no_btrfs,no_zfs,no_devmapper,no_tracing,netgo,osusergo",
    linker: "-s -w",
    env: {},
  },
  {
    // It enters namespaces in C, before Go's threads start.
    packages: ["github.com/opencontainers/runc"],
    tags: "netgo,osusergo",
    linker: "-s -w -extldflags -static",
    env: { CGO_ENABLED: "1" },
  },
] as const;

/**
 * Builds what real nodes run, or finds it in the cache: about 2 minutes on 2 cores, some seconds of which are for the
 * packages and images. Anything else in `lab/real/go`, another version of a package or of Go makes it anew.
 *
 * @param kubernetes - Path of the lab's multi-call binary, which also is kube-proxy in its image.
 */
export async function nodeSoftware(kubernetes: string, options: MakeOptions): Promise<NodeSoftware> {
  const go = await findGo(module);
  const programs = { what: "the programs of real nodes", name: "node-bin" };
  const source = hashOf([go.version, go.platform, builds], module.folder, join(module.folder, "labnode"));
  const bin = await cached({ ...programs, hash: source }, options, async (folder) => {
    options.log("Building containerd, runc and CNI plugins from source, once: about 2 minutes on 2 cores.");
    mkdirSync(folder);
    for (const { packages, tags, linker, env } of builds) {
      await goBuild(
        module,
        ["-tags", tags, "-ldflags", linker, "-o", `${folder}/`, ...packages],
        options,
        env,
      );
    }
  });
  const system = { what: "the userland of real nodes", name: "node-userland" };
  const userland = await cached({ ...system, hash: hashOf(packages) }, options, (folder) =>
    unpackPackages(folder, options),
  );
  return { bin, userland, images: await imageArchive({ bin, userland, kubernetes }, options) };
}

interface Contents {
  bin: string;
  userland: string;
  kubernetes: string;
}

async function imageArchive(contents: Contents, options: MakeOptions): Promise<string> {
  // What is in the cache is named by its contents.
  const hash = hashOf([images, Object.values(contents).map((path) => basename(dirname(path)))]);
  const entry = { what: "the images of real nodes", name: "node-images", hash };
  return await cached(entry, options, async (path) => {
    options.log("Making the images of kube-proxy and of the lab's own server.");
    const work = `${path}.layers`;
    rmSync(work, { recursive: true, force: true });
    try {
      const kubeProxy = layer(join(work, "kube-proxy"), contents.kubernetes, "usr/local/bin/kube-proxy");
      const labnode = layer(join(work, "labnode"), join(contents.bin, "labnode"), "labnode");
      const ofKubeProxy = {
        names: [images.kubeProxy, images.otherKubeProxy],
        layers: [contents.userland, kubeProxy],
        command: ["/usr/local/bin/kube-proxy"],
      };
      const ofLabnode = { names: [images.labnode], layers: [labnode], command: ["/labnode", "pause"] };
      await writeArchive(path, [ofKubeProxy, ofLabnode], options.signal);
    } finally {
      rmSync(work, { recursive: true });
    }
  });
}

/** Makes a layer of one file. */
function layer(folder: string, file: string, path: string): string {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  copyFileSync(file, join(folder, path));
  return folder;
}
