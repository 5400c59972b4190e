import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";

import { kubernetesVersion, linkerFlags, module } from "../build.ts";
import { cached, hashOf, type MakeOptions } from "../cache.ts";
import { findGo, goBuild } from "../go.ts";
import { images, type NodeSoftware, writeImages } from "../real/build.ts";
import { nodeFolder } from "../real/configuration.ts";
import { unpack } from "../real/packages.ts";
import { runOrFail } from "../tools.ts";
import { makeFileSystem } from "./fileSystem.ts";
import { type KernelFiles, kernelFiles } from "./kernel.ts";
import type { Kernel } from "./kernels.ts";
import { additions, emulator } from "./packages.ts";

/** What a machine with a kernel of its own is made of: paths in the lab's cache. */
export interface MachineSoftware extends KernelFiles {
  /** Folder of the emulator, with the libraries that it needs. */
  emulator: string;
  /** A file system with the programs of a node, a userland, and the images as containerd has them. */
  disk: string;
}

/** Size of a machine's disk in megabytes, half of which is free. */
const diskMegabytes = 2048;

const populate = join(import.meta.dirname, "populate.sh");

/**
 * Makes what machines run, or finds it in the cache: about a minute on 2 cores, when the lab's other programs are there.
 *
 * @param software - What real nodes run.
 */
export async function machineSoftware(
  software: NodeSoftware,
  kernel: Kernel,
  options: MakeOptions,
): Promise<MachineSoftware> {
  const unpacked = (what: string, name: string, packages: typeof emulator) =>
    cached({ what, name, hash: hashOf(packages) }, options, (path) => unpack(path, packages, options));
  const tools = await unpacked("the tools of machines", "vm-tools", additions);
  return {
    emulator: await unpacked("the emulator", "vm-emulator", emulator),
    disk: await disk(software, tools, options),
    ...(await kernelFiles(kernel, [software.userland, tools], options)),
  };
}

async function disk(software: NodeSoftware, tools: string, options: MakeOptions): Promise<string> {
  const kubelet = await program("kubelet", options);
  const kubeProxy = await program("kube-proxy", options);
  const { bin, userland } = software;
  const paths = [bin, userland, tools, kubelet, kubeProxy].map((path) => basename(dirname(path)));
  const hash = hashOf([images, paths, readFileSync(populate, "utf8"), diskMegabytes]);
  return await cached({ what: "the disk of machines", name: "vm-disk", hash }, options, async (path) => {
    const work = `${path}.work`;
    rmSync(work, { recursive: true, force: true });
    mkdirSync(work);
    try {
      const archive = join(work, "images");
      await writeImages(archive, { bin, userland: [userland, tools], kubeProxy }, options);
      const root = join(work, "root");
      await makeRoot(root, [userland, tools], options.signal);
      cpSync(bin, join(root, "usr/local/bin"), { recursive: true });
      cpSync(kubelet, join(root, "usr/local/bin/kubelet"));
      const env = {
        ...process.env,
        WORK: work,
        DATA: join(root, nodeFolder, "containerd"),
        BIN: bin,
        IMAGES: archive,
      };
      await runOrFail(
        { file: "unshare", args: ["--mount", "--pid", "--fork", "--kill-child", "sh", populate], env },
        { signal: options.signal },
      );
      options.log("Making the disk of machines.");
      await makeFileSystem(path, root, diskMegabytes, options.signal);
    } finally {
      rmSync(work, { recursive: true });
    }
  });
}

/**
 * One of Kubernetes' programs by itself: under emulation it starts in a fraction of the time that the lab's multi-call
 * binary takes.
 */
async function program(name: "kubelet" | "kube-proxy", options: MakeOptions): Promise<string> {
  const go = await findGo(module);
  const hash = hashOf([go.version, go.platform, linkerFlags()], module.folder);
  return await cached({ what: name, name, hash }, options, async (path) => {
    options.log(`Building ${name} ${kubernetesVersion} from source, once.`);
    await goBuild(module, ["-ldflags", linkerFlags(), "-o", path, `k8s.io/kubernetes/cmd/${name}`], options);
  });
}

/** Makes a machine's root from folders on top of one another. */
async function makeRoot(
  root: string,
  folders: readonly string[],
  signal: AbortSignal | undefined,
): Promise<void> {
  mkdirSync(root);
  for (const folder of folders) {
    // Otherwise a file would be written through the link to busybox that has its place.
    const args = ["--archive", "--remove-destination", `${folder}/.`, root];
    await runOrFail({ file: "cp", args, env: process.env }, { signal });
  }
  for (const path of ["dev", "etc", "lib/modules", "proc", "run", "sys", "tmp", "usr/local/bin", "var/log"]) {
    mkdirSync(join(root, path), { recursive: true });
  }
  mkdirSync(join(root, nodeFolder, "containerd"), { recursive: true });
  writeFileSync(join(root, "etc/hosts"), "127.0.0.1 localhost\n");
  writeFileSync(join(root, "etc/passwd"), "root:x:0:0::/:/bin/sh\n");
  writeFileSync(join(root, "etc/resolv.conf"), "");
}
