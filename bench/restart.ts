import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { marshal, type Yaml } from "../components/configuration/goYaml.ts";
import { kubeProxyObjects } from "../components/kubeadm/manifests.ts";
import { initialToken, withRestart } from "../components/restart.ts";
import { down, kubectl, type Lab, setNodes, up as labUp } from "../lab/index.ts";
import { chooseEngine, type Result, type Stack } from "../tests/engine/index.ts";
import { compare, type Comparison } from "./statistics.ts";

const labName = "bench";
const recipe = "kubectl delete --cascade=foreground, apply, rollout status";
const settings = { kubernetesVersion: "v1.37.2", controlPlaneEndpoint: "192.0.2.10:6443" };

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
      config: { ...settings, kubeconfig: lab.kubeconfig },
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
  const ours = { preview: [] as number[], unchanged: [] as number[], restart: [] as number[] };
  const theirs = { diff: [] as number[], status: [] as number[], recipe: [] as number[] };
  let token = initialToken;
  await stack.setConfig({ restart: token });
  await timed(stack.up());
  for (let run = 0; run < runs; run++) {
    console.log(`restart of ${size} nodes, ${run + 1} of ${runs}`);
    theirs.recipe.push(await timeRecipe(lab));
    // To the program the recipe's new DaemonSet is an edit of somebody else: it is taken in first.
    await timed(stack.up());
    const [diff, status] = [await timeDiff(lab, token), await timeStatus(lab)];
    theirs.diff.push(diff);
    theirs.status.push(diff + status);
    ours.preview.push(await timed(stack.preview()));
    ours.unchanged.push(await timed(stack.up()));
    token = `bench ${size} ${run}`;
    await stack.setConfig({ restart: token });
    ours.restart.push(await timed(stack.up()));
  }
  const nodes = `${size} nodes (${kind})`;
  const own = ours.restart.map((ms, run) => ms - (ours.unchanged[run] ?? 0));
  const row = (
    what: string,
    mine: readonly number[],
    other: readonly number[],
    against: string,
    goal?: number,
  ) =>
    compare({
      what: `${what}, ${nodes}`,
      unit: "ms",
      ours: mine,
      theirs: other,
      against,
      ...(goal !== undefined && { goal }),
    });
  return [
    row("preview, unchanged", ours.preview, theirs.diff, "kubectl diff of the same objects"),
    row("up, unchanged: the fixed cost", ours.unchanged, theirs.status, "kubectl diff, rollout status"),
    row("restart", ours.restart, theirs.recipe, recipe),
    row("restart without the fixed cost", own, theirs.recipe, recipe, 1.1),
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

/** What an operator does to see that nothing has changed. */
async function timeDiff(lab: Lab, token: string): Promise<number> {
  const objects = Object.values(withRestart(kubeProxyObjects(settings), token)) as Yaml[];
  const manifest = objects.map((object) => `---\n${marshal(object)}\n`).join("");
  const began = performance.now();
  // With server-side apply, as the Kubernetes provider compares; exit code 1 would mean a difference.
  await run(lab, ["diff", "--server-side", "--force-conflicts", "-f", "-"], manifest);
  return performance.now() - began;
}

async function timeStatus(lab: Lab): Promise<number> {
  const began = performance.now();
  await run(lab, ["rollout", "status", "daemonset", "kube-proxy"]);
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
