import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, readdirSync, rmdirSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";

import { waitFor } from "../wait.ts";

/** Longest wait until the kernel has taken the processes that were killed out of a cgroup. */
const emptyTimeoutMs = 15_000;

/** The path of a lab's cgroup in every hierarchy, of its own also where two checkouts have labs of the same name. */
export function cgroupOf(labDir: string): string {
  const hash = createHash("sha256").update(labDir).digest("hex").slice(0, 8);
  return `/kube-proxy-lab-${basename(labDir)}-${hash}`;
}

/** Makes a cgroup and those above it in every hierarchy of this machine, for a kubelet to make its pods' in it. */
export function makeCgroup(path: string): void {
  if (path === "/") return;
  makeCgroup(dirname(path));
  for (const root of hierarchies()) {
    mkdirSync(join(root, path), { recursive: true });
    // In version 1 nothing can join a cgroup before it has these, and they are not inherited.
    for (const file of ["cpuset.cpus", "cpuset.mems"]) {
      const [above, own] = [dirname(path), path].map((cgroup) => join(root, cgroup, file));
      if (above !== undefined && own !== undefined && existsSync(above) && existsSync(own)) {
        writeFileSync(own, readFileSync(above));
      }
    }
  }
}

/** Removes a cgroup with all below it, whose processes have been killed; there may be none. */
export async function removeCgroup(path: string): Promise<void> {
  for (const root of hierarchies()) {
    await waitFor(`cgroup ${join(root, path)} to be empty`, { timeoutMs: emptyTimeoutMs }, () =>
      isRemoved(join(root, path)),
    );
  }
}

/** Tries to remove a cgroup, and tells whether it is gone. */
function isRemoved(folder: string): boolean {
  if (!existsSync(folder)) return true;
  const below = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  if (!below.map(({ name }) => isRemoved(join(folder, name))).every(Boolean)) return false;
  try {
    rmdirSync(folder);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EBUSY") return false; // A process is in it still.
    throw error;
  }
}

/** Where the hierarchies are mounted: one for each controller in version 1, one for all in version 2. */
export function hierarchies(): string[] {
  const mounts = readFileSync("/proc/self/mounts", "utf8").trimEnd().split("\n");
  return mounts.flatMap((line) => {
    const [, folder = "", type] = line.split(" ");
    return type === "cgroup" || type === "cgroup2" ? folder : [];
  });
}
