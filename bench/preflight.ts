import { readFileSync } from "node:fs";
import { compileCache } from "../components/facts/compileCache.ts";
import type { ClusterFacts } from "../components/facts/facts.ts";
import { intentOf } from "../components/plan/intent.ts";
import { planOf } from "../components/plan/plan.ts";
import { preflight } from "../components/preflight/index.ts";
import { auditLog, type Lab, setNodes } from "../lab/index.ts";
import { sizeAtRest } from "./requests.ts";
import { timeScript } from "./script.ts";
import { compare, type Comparison, median } from "./statistics.ts";
import { settings, withSubject } from "./subject.ts";

/**
 * What the checks before an `up` cost: the process that reads the cluster and the checks themselves, against the same
 * process without what only the checks need, in turn.
 */
export function measurePreflight(sizes: readonly number[], runs: number): Promise<Comparison[]> {
  return withSubject(sizes[0] ?? 20, async ({ lab, stack }) => {
    const { ok, output } = await stack.up();
    if (!ok) throw new Error(`the engine failed:\n${output}`);
    const rows: Comparison[] = [];
    for (const size of sizes) {
      rows.push(await measureAt(await setNodes(lab, size, console.log), runs));
    }
    return rows;
  });
}

async function measureAt(lab: Lab, runs: number): Promise<Comparison> {
  const samples = { ours: [] as number[], theirs: [] as number[] };
  const checking: number[] = [];
  const scripts = { ours: "commands/facts.ts", theirs: "bench/baseFacts.ts" } as const;
  // The first run compiles.
  for (let run = -1; run < runs; run++) {
    for (const side of ["theirs", "ours"] as const) {
      const { ms, stdout } = timed(lab, scripts[side]);
      const own = side === "ours" ? timeChecks(JSON.parse(stdout) as ClusterFacts) : 0;
      if (run < 0) continue;
      samples[side].push(ms + own);
      if (side === "ours") checking.push(own);
    }
  }
  const before = await sizeAtRest(lab);
  timed(lab, scripts.ours);
  const requests = readFileSync(auditLog(lab.dir)).subarray(before, await sizeAtRest(lab));
  const count = requests.toString().trim().split("\n").length;
  console.log(
    `${lab.nodes} nodes: ${count} requests in all; the checks themselves ${median(checking).toFixed(1)} ms of it`,
  );
  return compare({
    what: `preflight: ${count} requests and all checks, ${lab.nodes} nodes`,
    unit: "ms",
    ...samples,
    against: "the reads that the forecast needs alone",
  });
}

function timed({ kubeconfig }: Lab, script: string): { ms: number; stdout: string } {
  return timeScript(script, [], {
    env: { NODE_COMPILE_CACHE: compileCache, KUBE_PROXY_KUBECONFIG: kubeconfig },
  });
}

/** The checks before a restart. */
function timeChecks(facts: ClusterFacts): number {
  const began = performance.now();
  const { waves } = planOf({ ...settings, restart: "unlike" });
  const wish = { settings, waves, held: [], running: true, verify: true, restartsNodes: false };
  preflight(facts, intentOf(wish, facts), {});
  return performance.now() - began;
}
