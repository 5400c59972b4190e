import { copyFileSync, globSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";

import { kubernetesVersion } from "../build.ts";
import { cached, hashOf, type MakeOptions } from "../cache.ts";
import { findGo, goBuild, goModule } from "../go.ts";
import { writeArchive } from "./archive.ts";
import { chooseIptables, libraries, makeUserland, unpack, userland } from "./packages.ts";

/** What a real node runs beside Kubernetes: paths in the lab's cache. */
export interface NodeSoftware {
  /** Folder of containerd, its shim and `ctr`, runc, the CNI plugins, and labnode (`lab/real/go`). */
  bin: string;
  /** Folder of a small Linux system, with the packages {@link userland}. */
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
  /**
   * One with a fault that no log and no health tells: without `/etc/protocols`, of package netbase, nft prints `6` for
   * `tcp`, and kube-proxy in mode nftables deletes at its start what it takes for somebody else's leftovers.
   */
  withoutProtocols: `registry.example.com/kube-proxy-without-protocols:${kubernetesVersion}`,
  /** One whose `iptables` is the older one, which waits for the lock in `/run/xtables.lock`. */
  legacyIptables: `registry.example.com/kube-proxy-legacy-iptables:${kubernetesVersion}`,
  /** labnode: `pause`, which every pod's sandbox runs, `server` and `probe`. */
  labnode: "registry.example.com/labnode:v1",
} as const;

const module = goModule(join(import.meta.dirname, "go"));

const withoutSymbols = "-s -w";

/** Built without C, and without file systems that no node has. */
const programs = {
  packages: [
    "github.com/containerd/containerd/v2/cmd/containerd",
    "github.com/containerd/containerd/v2/cmd/containerd-shim-runc-v2",
    "github.com/containerd/containerd/v2/cmd/ctr",
    "github.com/containernetworking/plugins/plugins/ipam/host-local",
    "github.com/containernetworking/plugins/plugins/main/ptp",
    "kube-proxy-as-code/lab/real/labnode",
  ],
  args: ["-tags", "no_btrfs,no_zfs,no_devmapper,no_tracing,netgo,osusergo", "-ldflags", withoutSymbols],
} as const;

/** Enters namespaces in C, before Go's threads start; static, because a node has another libc than this machine. */
const runc = {
  packages: ["github.com/opencontainers/runc"],
  args: ["-tags", "netgo,osusergo,seccomp", "-ldflags", `${withoutSymbols} -extldflags -static`],
} as const;

/**
 * Builds what real nodes run, or finds it in the cache: about 2 minutes on 2 cores, some seconds of which are for the
 * packages and images. Anything else in `lab/real/go`, another version of a package or of Go makes it anew.
 *
 * @param kubernetes - Path of the lab's multi-call binary, which also is kube-proxy in its image.
 */
export async function nodeSoftware(kubernetes: string, options: MakeOptions): Promise<NodeSoftware> {
  const go = await findGo(module);
  const inputs = [go.version, go.platform, programs, runc, libraries];
  const binEntry = {
    what: "the programs of real nodes",
    name: "node-bin",
    hash: hashOf(inputs, module.folder, join(module.folder, "labnode")),
  };
  const bin = await cached(binEntry, options, async (folder) => {
    options.log("Building containerd, runc and CNI plugins from source, once: about 2 minutes on 2 cores.");
    mkdirSync(folder);
    await goBuild(module, [...programs.args, "-o", `${folder}/`, ...programs.packages], options);
    await buildRunc(join(folder, "runc"), options);
  });
  const system = { what: "the userland of real nodes", name: "node-userland", hash: hashOf(userland) };
  const root = await cached(system, options, (folder) => makeUserland(folder, options));
  const contents = { bin, userland: [root], kubeProxy: kubernetes };
  return { bin, userland: root, images: await imageArchive(contents, options) };
}

async function buildRunc(path: string, options: MakeOptions): Promise<void> {
  const work = mkdtempSync(join(tmpdir(), "lab-runc-"));
  try {
    const root = join(work, "root");
    await unpack(root, libraries, options);
    const env = {
      CGO_ENABLED: "1",
      // What pkg-config would say, which does not know this folder.
      PKG_CONFIG: "true",
      CGO_CFLAGS: `-I${root}/usr/include`,
      CGO_LDFLAGS: globSync(join(root, "usr/lib/*/libseccomp.a")).join(" "),
    };
    await goBuild(module, [...runc.args, "-o", path, ...runc.packages], options, env);
  } finally {
    rmSync(work, { recursive: true });
  }
}

/** What {@link images} are made of: paths in the lab's cache. */
export interface Contents {
  bin: string;
  /** Folders on top of one another, the lowest first. */
  userland: readonly string[];
  /** The program that is kube-proxy when it is called by that name. */
  kubeProxy: string;
}

async function imageArchive(contents: Contents, options: MakeOptions): Promise<string> {
  // What is in the cache is named by its contents.
  const paths = [contents.bin, ...contents.userland, contents.kubeProxy];
  const hash = hashOf([images, paths.map((path) => basename(dirname(path)))]);
  const entry = { what: "the images of real nodes", name: "node-images", hash };
  return await cached(entry, options, (path) => writeImages(path, contents, options));
}

/** Writes an archive of {@link images}; its folder takes a second copy meanwhile. */
export async function writeImages(
  path: string,
  { bin, userland, kubeProxy: program }: Contents,
  options: MakeOptions,
): Promise<void> {
  options.log("Making the images of kube-proxy and of the lab's own server.");
  const work = `${path}.layers`;
  rmSync(work, { recursive: true, force: true });
  try {
    const kubeProxy = layer(join(work, "kube-proxy"), program, "usr/local/bin/kube-proxy");
    const labnode = layer(join(work, "labnode"), join(bin, "labnode"), "labnode");
    const ofKubeProxy = (names: string[], ...changes: string[]) => ({
      names,
      layers: [...userland, kubeProxy, ...changes],
      command: ["/usr/local/bin/kube-proxy"],
    });
    const all = [
      ofKubeProxy([images.kubeProxy, images.otherKubeProxy]),
      ofKubeProxy([images.withoutProtocols], withoutProtocols(join(work, "without-protocols"))),
      ofKubeProxy([images.legacyIptables], legacyIptables(join(work, "legacy-iptables"))),
      { names: [images.labnode], layers: [labnode], command: ["/labnode", "pause"] },
    ];
    await writeArchive(path, all, options.signal);
  } finally {
    rmSync(work, { recursive: true });
  }
}

/** Makes a layer by which a file is gone: what the image format calls a whiteout. */
function withoutProtocols(folder: string): string {
  mkdirSync(join(folder, "etc"), { recursive: true });
  writeFileSync(join(folder, "etc/.wh.protocols"), "");
  return folder;
}

/** Makes a layer in which the other one of Debian's alternatives is chosen. */
function legacyIptables(folder: string): string {
  mkdirSync(join(folder, "usr/sbin"), { recursive: true });
  chooseIptables(folder, "xtables-legacy-multi");
  return folder;
}

/** Makes a layer of one file. */
function layer(folder: string, file: string, path: string): string {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  copyFileSync(file, join(folder, path));
  return folder;
}
