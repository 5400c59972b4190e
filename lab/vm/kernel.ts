import {
  chmodSync,
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";

import { cached, hashOf, type MakeOptions } from "../cache.ts";
import { unpack } from "../real/packages.ts";
import { runOrFail } from "../tools.ts";
import { makeFileSystem } from "./fileSystem.ts";
import { foreign } from "./foreign.ts";
import type { Kernel } from "./kernels.ts";
import { kernelSources } from "./packages.ts";

/** A kernel, as an emulator boots it: paths in the lab's cache. */
export interface KernelFiles {
  kernel: string;
  /** The first root, which finds the disks and goes on with the one on the first disk: see `init.sh`. */
  initramfs: string;
  /** A file system with what belongs in `/lib/modules`. */
  modules: string;
}

/** What is kept of a kernel's modules: whatever a node, its pods and kube-proxy may ask for. */
const keptModules = [
  ...["arch", "crypto", "fs/overlayfs", "lib", "net"],
  ...["block", "char", "net", "virtio"].map((kind) => `drivers/${kind}`),
];

/** The modules without which no disk is found. */
const diskModules = ["virtio_pci", "virtio_blk"];

const init = join(import.meta.dirname, "init.sh");

/**
 * Unpacks a kernel, or finds it in the cache: 40 MB.
 *
 * @param userland - Folders with `busybox` and libc6, and with `kmod`.
 */
export async function kernelFiles(
  kernel: Kernel,
  userland: readonly [string, string],
  options: MakeOptions,
): Promise<KernelFiles> {
  const source = kernelSources[kernel];
  // What is in the cache is named by its contents.
  const tools = userland.map((path) => basename(dirname(path)));
  const inputs = [source, tools, keptModules, diskModules, readFileSync(init, "utf8")];
  const entry = { what: `kernel ${kernel}`, name: "vm-kernel", hash: hashOf(inputs) };
  const folder = await cached(entry, options, async (path) => {
    const work = `${path}.work`;
    rmSync(work, { recursive: true, force: true });
    try {
      await unpack(work, source.packages, options, source.suite);
      await makeKernel(work, path, userland, options.signal);
    } finally {
      rmSync(work, { recursive: true, force: true });
    }
  });
  return filesIn(folder);
}

function filesIn(folder: string): KernelFiles {
  return {
    kernel: join(folder, "vmlinuz"),
    initramfs: join(folder, "initramfs"),
    modules: join(folder, "modules.ext4"),
  };
}

/** Makes what {@link KernelFiles} names from an unpacked package. */
async function makeKernel(
  unpacked: string,
  folder: string,
  userland: readonly [string, string],
  signal: AbortSignal | undefined,
): Promise<void> {
  mkdirSync(folder);
  const files = filesIn(folder);
  const [release = ""] = readdirSync(join(unpacked, "lib/modules"));
  renameSync(join(unpacked, "boot", `vmlinuz-${release}`), files.kernel);

  const root = join(unpacked, "kept");
  const modules = join(root, "lib/modules", release);
  mkdirSync(modules, { recursive: true });
  const all = join(unpacked, "lib/modules", release);
  for (const path of keptModules.map((kept) => join("kernel", kept))) {
    mkdirSync(dirname(join(modules, path)), { recursive: true });
    renameSync(join(all, path), join(modules, path));
  }
  for (const { name } of readdirSync(all, { withFileTypes: true }).filter((entry) => entry.isFile())) {
    renameSync(join(all, name), join(modules, name));
  }
  const kmod = (name: string, ...args: string[]) =>
    runOrFail(foreign(userland, join(userland[1], "bin/kmod"), name, args), { signal });
  await kmod("depmod", "--basedir", root, release);
  const of = ["--dirname", root, "--set-version", release, "--show-depends", "--all", ...diskModules];
  const needed = (await kmod("modprobe", ...of)).matchAll(/^insmod (\S+)/gm);

  await makeInitramfs(
    files.initramfs,
    userland[0],
    [...new Set([...needed].map(([, path = ""]) => path))],
    signal,
  );
  await makeFileSystem(files.modules, join(root, "lib/modules"), 64, signal);
}

/** @param modules - Paths, in the order in which they are loaded. */
async function makeInitramfs(
  path: string,
  userland: string,
  modules: readonly string[],
  signal: AbortSignal | undefined,
): Promise<void> {
  const root = `${path}.root`;
  for (const folder of ["bin", "dev", "modules", "root"]) mkdirSync(join(root, folder), { recursive: true });
  const busybox = join(userland, "bin/busybox");
  cpSync(busybox, join(root, "bin/busybox"));
  cpSync(init, join(root, "init"));
  chmodSync(join(root, "init"), 0o755);
  for (const module of modules) cpSync(module, join(root, "modules", basename(module)));
  writeFileSync(join(root, "modules/order"), modules.map((module) => `${basename(module)}\n`).join(""));

  const script = 'cd "$1" && "$2" find . | "$2" cpio -o -H newc >"$3"';
  const args = ["-c", script, "sh", root, busybox, path];
  await runOrFail({ file: "sh", args, env: process.env }, { signal });
  rmSync(root, { recursive: true });
}
