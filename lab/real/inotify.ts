/** Whether the kernel has room for another lab with real nodes: everything of root shares its inotify instances. */
import { readdirSync, readFileSync, readlinkSync, statSync } from "node:fs";
import { join } from "node:path";

import { type Problem, ProblemsError } from "../../components/input/problems.ts";

const key = "fs.inotify.max_user_instances";

/** What a lab takes: the API server and the controller manager; on a node kubelet, containerd, kube-proxy and a helper. */
const taken = { controlPlane: 13, node: 10 } as const;

/**
 * Where there is no room a kube-proxy ends with "too many open files", of which it has few.
 *
 * @param used - inotify instances of root that are in use
 * @param limit - see {@link key}
 */
export function lackOfInotify(nodes: number, used: number, limit: number): Problem[] {
  const needed = used + taken.controlPlane + nodes * taken.node;
  if (needed <= limit) return [];
  const accepted = `at least ${needed}, ${used} being in use: sysctl ${key}=${Math.max(512, 2 * needed)}, or end another lab`;
  return [{ path: key, value: limit, accepted }];
}

/** @throws ProblemsError where there is no room for so many real nodes. */
export function checkInotify(nodes: number): void {
  const limit = Number(readFileSync(join("/proc/sys", key.replaceAll(".", "/")), "utf8"));
  const problems = lackOfInotify(nodes, inotifyInstances(), limit);
  if (problems.length > 0) throw new ProblemsError("what real nodes need of this machine", problems);
}

function inotifyInstances(): number {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return pids.flatMap(openFiles).filter((file) => file === "anon_inode:inotify").length;
}

/** What a process of root has open; nothing where it has ended meanwhile. */
function openFiles(pid: string): string[] {
  try {
    const dir = `/proc/${pid}/fd`;
    return statSync(dir).uid === 0 ? readdirSync(dir).map((fd) => readlinkSync(join(dir, fd))) : [];
  } catch {
    return [];
  }
}
