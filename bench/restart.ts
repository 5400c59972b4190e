import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { down, kubectl, type Lab, setNodes, up as labUp } from "../lab/index.ts";
import { chooseEngine, type Result, type Stack } from "../tests/engine/index.ts";
import { compare, type Comparison } from "./statistics.ts";

const labName = "bench";
const recipe = "kubectl delete --cascade=foreground, apply, rollout status";

/** Unchanged operations and restarts on labs of several sizes, against the operators' recipe. */
export async function measureRestarts(sizes: readonly number[], runs: number): Promise<Comparison[]> {
  const engine = await chooseEngine();
  console.log(engine.description);
  const workDir = mkdtempSync(join(tmpdir(), "kube-proxy-bench-"));
  const rows: Comparison[] = [];
  try {
    let lab = await labUp({ name: labName, nodes: sizes[0] ?? 50, log: console.log });
    const stack = await engine.open({
      stack: "bench",
      workDir,
      projectDir: join(import.meta.dirname, ".."),
      config: {
        kubeconfig: lab.kubeconfig,
        kubernetesVersion: "v1.37.2",
        controlPlaneEndpoint: "192.0.2.10:6443",
      },
    });
    for (const size of sizes) {
      lab = await setNodes(lab, size, console.log);
      rows.push(...(await measureSize(stack, lab, size, runs, engine.kind)));
    }
    return rows;
  } finally {
    await down(labName);
    rmSync(workDir, { recursive: true, force: true });
  }
}

async function measureSize(
  stack: Stack,
  lab: Lab,
  size: number,
  runs: number,
  kind: string,
): Promise<Comparison[]> {
  const samples = {
    preview: [] as number[],
    fixed: [] as number[],
    ours: [] as number[],
    theirs: [] as number[],
  };
  await timed(stack.up());
  for (let run = 0; run < runs; run++) {
    console.log(`restart of ${size} nodes, ${run + 1} of ${runs}`);
    // The recipe's new DaemonSet is as far as the program is concerned an edit of somebody else: taken in first.
    samples.theirs.push(await timeRecipe(lab));
    await timed(stack.up());
    samples.preview.push(await timed(stack.preview()));
    samples.fixed.push(await timed(stack.up()));
    await stack.setConfig({ restart: `bench ${size} ${run}` });
    samples.ours.push(await timed(stack.up()));
  }
  const nodes = `${size} nodes (${kind})`;
  const bare = samples.ours.map((ms, run) => ms - (samples.fixed[run] ?? 0));
  return [
    compare({
      what: `preview unchanged, ${nodes}`,
      unit: "ms",
      ours: samples.preview,
      theirs: samples.theirs,
      against: recipe,
    }),
    compare({
      what: `up unchanged (fixed cost), ${nodes}`,
      unit: "ms",
      ours: samples.fixed,
      theirs: samples.theirs,
      against: recipe,
    }),
    compare({
      what: `restart, ${nodes}`,
      unit: "ms",
      ours: samples.ours,
      theirs: samples.theirs,
      against: recipe,
    }),
    compare({
      what: `restart without fixed cost, ${nodes}`,
      unit: "ms",
      ours: bare,
      theirs: samples.theirs,
      against: recipe,
      goal: 1.1,
    }),
  ];
}

async function timed(operation: Promise<Result>): Promise<number> {
  const { ok, durationMs, output } = await operation;
  if (!ok) {
    throw new Error(`the engine failed:\n${output}`);
  }
  return durationMs;
}

/** What an operator does by hand: dump the DaemonSet, delete it with its pods, create it again, wait. */
async function timeRecipe(lab: Lab): Promise<number> {
  const dumped = JSON.parse(await run(lab, ["get", "daemonset", "kube-proxy", "-o", "json"])) as Dumped;
  const { name, namespace, labels, annotations } = dumped.metadata;
  const manifest = { ...dumped, metadata: { name, namespace, labels, annotations }, status: undefined };
  const began = performance.now();
  await run(lab, ["delete", "daemonset", "kube-proxy", "--cascade=foreground"]);
  await run(lab, ["apply", "-f", "-"], JSON.stringify(manifest));
  await run(lab, ["rollout", "status", "daemonset", "kube-proxy", "--timeout=10m"]);
  return performance.now() - began;
}

interface Dumped {
  metadata: { name: string; namespace: string; labels: object; annotations: object };
}

async function run(lab: Lab, args: string[], stdin?: string): Promise<string> {
  const { code, stdout, stderr } = await kubectl(
    lab,
    ["-n", "kube-system", ...args],
    stdin === undefined ? {} : { stdin },
  );
  if (code !== 0) {
    throw new Error(`kubectl ${args.join(" ")}: ${stderr}`);
  }
  return stdout;
}
