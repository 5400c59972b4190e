import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { compileCache } from "../components/facts/compileCache.ts";
import { median } from "./statistics.ts";

/** What a command costs before it has asked anything. */
export interface CommandCost {
  readonly command: string;
  /** CPU time until its first request, in milliseconds: the median. */
  readonly ms: number;
}

/** Milliseconds of CPU that a command may take until its first request. */
const goalMs = 200;

/** Those that `pulumi up` runs, each with arguments with which it asks the cluster. */
const commands: Readonly<Record<string, readonly string[]>> = {
  "facts.ts": [],
  "snapshot.ts": [],
  "testService.ts": ["--daemonset=kube-proxy", "--lifetime=1h"],
  "verify.ts": ["--deadline=5s"],
  "layout.ts": ["layout"],
  "orphans.ts": ["remove-orphans"],
  "clear.ts": ["clear-rules"],
};

/** Measures the commands' CPU time until the first request arrives; on Linux, whose `/proc` tells it. */
export async function measureCommands(runs: number): Promise<CommandCost[]> {
  const costs: CommandCost[] = [];
  for (const [command, args] of Object.entries(commands)) {
    const samples: number[] = [];
    // The first one fills the cache of what was compiled.
    for (let run = 0; run <= runs; run += 1) samples.push(await measure(command, args));
    costs.push({ command, ms: Math.round(median(samples.slice(1))) });
  }
  return costs;
}

/** The costs in lines, with the goal. */
export function formatCommandCosts(costs: readonly CommandCost[]): string {
  const rows = costs.map(({ command, ms }) => `  ${command.padEnd(16)} ${String(ms).padStart(4)} ms`);
  return [`CPU of a command until its first request, at most ${goalMs} ms:`, ...rows].join("\n");
}

async function measure(command: string, args: readonly string[]): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), "kube-proxy-bench-"));
  // Nothing is allowed, so that the command ends by itself, and keeps what was compiled.
  const server = createServer((_, response) => {
    setImmediate(() => response.writeHead(403).end());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const kubeconfig = join(folder, "kubeconfig");
  writeFileSync(kubeconfig, kubeconfigOf((server.address() as AddressInfo).port), { mode: 0o600 });
  const child = spawn(process.execPath, [join(import.meta.dirname, "..", "commands", command), ...args], {
    env: { ...process.env, NODE_COMPILE_CACHE: compileCache, KUBE_PROXY_KUBECONFIG: kubeconfig },
    stdio: ["pipe", "ignore", "ignore"],
  });
  // What layout.ts is told.
  child.stdin.on("error", () => undefined).end('[{ "daemonSet": "kube-proxy", "placement": {} }]');
  const ended = once(child, "close");
  try {
    await Promise.race([
      once(server, "request"),
      ended.then(() => Promise.reject(new Error(`${command} asked nothing`))),
    ]);
    return cpuMs(child.pid ?? 0);
  } finally {
    await ended;
    server.closeAllConnections();
    server.close();
    rmSync(folder, { recursive: true });
  }
}

/** CPU time of a process so far. Linux counts it in hundredths of a second. */
function cpuMs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

function kubeconfigOf(port: number): string {
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    // Without it the client refuses HTTP.
    clusters: [
      { name: "bench", cluster: { server: `http://127.0.0.1:${port}`, "insecure-skip-tls-verify": true } },
    ],
    users: [{ name: "bench", user: { token: "bench" } }],
    contexts: [{ name: "bench", context: { cluster: "bench", user: "bench" } }],
    "current-context": "bench",
  });
}
