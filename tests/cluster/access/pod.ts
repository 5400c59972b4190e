/** A process that finds what a pod has: its ServiceAccount where every pod has it. */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { serviceAccount } from "../../../components/cluster/kubeconfig.ts";

const namespaces = ["--user", "--map-root-user", "--mount"];

/** Why there is no such process on this machine; false where there is one. */
export const noPods: string | false =
  spawnSync("unshare", [...namespaces, "true"]).status === 0
    ? false
    : "NOT TESTED: no file system can be mounted for one process alone on this machine";

/** What a pod is told of its cluster. */
export interface Pod {
  readonly files: Readonly<Record<"ca.crt" | "token", string>>;
  readonly env: Readonly<Record<string, string>>;
}

/** Runs a program of Node.js as in a pod. Nobody else sees the files, and they end with it. */
export async function runInPod(
  { files, env }: Pod,
  args: readonly string[],
): Promise<{ code: number; stdout: string; stderr: string }> {
  const folder = mkdtempSync(join(tmpdir(), "kube-proxy-pod-"));
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
  // What follows the script are its $0, $1 and what is run.
  const script = 'mount -t tmpfs tmpfs /var/run && mkdir -p "$0" && cp "$1"/* "$0" && shift && exec "$@"';
  const command = ["sh", "-c", script, serviceAccount, folder, process.execPath, ...args];
  const { KUBECONFIG: _, ...others } = process.env;
  const child = spawn("unshare", [...namespaces, ...command], {
    env: { ...others, HOME: folder, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  try {
    const [stdout, stderr, [code]] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, "close") as Promise<[number]>,
    ]);
    return { code, stdout, stderr };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
