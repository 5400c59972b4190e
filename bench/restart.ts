import { planOf } from "../components/plan/plan.ts";
import { RestartStrategy } from "../components/restart/restart.ts";
import { setNodes } from "../lab/index.ts";
import type { Result, Stack } from "../tests/engine/index.ts";
import { recipes, timeDiff, timeStatus } from "./kubectl.ts";
import { timeScript } from "./script.ts";
import { compare, type Comparison } from "./statistics.ts";
import { settings, type Subject, withSubject } from "./subject.ts";

/** What is measured in one series: ours and theirs, one value a run. */
interface Series {
  readonly ours: number[];
  readonly theirs: number[];
}

/** Unchanged operations and restarts on labs of several sizes, against what an operator would type. */
export function measureRestarts(sizes: readonly number[], runs: number): Promise<Comparison[]> {
  return withSubject(sizes[0] ?? 50, async (subject) => {
    const rows: Comparison[] = [];
    for (const size of sizes) {
      const lab = await setNodes(subject.lab, size, console.log);
      for (const strategy of Object.values(RestartStrategy)) {
        rows.push(...(await measure({ ...subject, lab, strategy, runs })));
      }
    }
    return rows;
  });
}

interface Bench extends Subject {
  readonly strategy: RestartStrategy;
  readonly runs: number;
}

async function measure({ stack, lab, snapshotFolder, strategy, runs, kind }: Bench): Promise<Comparison[]> {
  const series = () => ({ ours: [], theirs: [] }) satisfies Series as Series;
  const [preview, unchanged, restart, extras, bare] = [series(), series(), series(), series(), series()];
  const recipe = recipes[strategy];
  await timed(stack, { restartStrategy: strategy });
  for (let count = 0; count < runs; count++) {
    console.log(`${strategy} restart of ${lab.nodes} nodes, ${count + 1} of ${runs}`);
    const recipeMs = await recipe.run(lab);
    // To the program what the recipe left is an edit of somebody else: it is taken in first.
    await timed(stack, { verify: true });

    const { objects, waves } = planOf({ ...settings, restart: "unlike" });
    const diff = await timeDiff(lab, { ...objects, daemonSet: waves[0].daemonSet });
    preview.theirs.push(diff);
    preview.ours.push(await previewed(stack));
    const fixed = await timed(stack);
    unchanged.theirs.push(diff + (await timeStatus(lab)));
    unchanged.ours.push(fixed);
    const token = `bench ${strategy} ${lab.nodes} ${count}`;
    const whole = await timed(stack, { restart: token });
    const unproven = await timed(stack, { restart: `${token}, unproven`, verify: false });
    const own = [`--folder=${snapshotFolder}`, `--kubeconfig=${lab.kubeconfig}`];
    const { ms: snapshot } = timeScript("commands/snapshot.ts", own);
    restart.ours.push(whole);
    extras.ours.push(whole - unproven + snapshot);
    bare.ours.push(unproven - snapshot - fixed);
    for (const { theirs } of [restart, extras, bare]) {
      theirs.push(recipeMs);
    }
  }
  const row = (what: string, { ours, theirs }: Series, against: string, goal?: number) =>
    compare({
      what: `${what}, ${strategy}, ${lab.nodes} nodes (${kind})`,
      unit: "ms",
      ours,
      theirs,
      against,
      ...(goal !== undefined && { goal }),
    });
  return [
    row("preview, unchanged", preview, "kubectl diff of the same objects"),
    row("up, unchanged: the engine's fixed cost", unchanged, "kubectl diff, rollout status"),
    row("restart, all of it", restart, recipe.what),
    row("of it the snapshot and the proof", extras, recipe.what),
    row("restart without these two and the fixed cost", bare, recipe.what, 1.1),
  ];
}

/** An `up` with this config beside what the stack has, in milliseconds. */
export async function timed(stack: Stack, config: Record<string, unknown> = {}): Promise<number> {
  await stack.setConfig(config);
  return durationOf(await stack.up());
}

async function previewed(stack: Stack): Promise<number> {
  return durationOf(await stack.preview());
}

function durationOf({ ok, durationMs, output }: Result): number {
  if (!ok) {
    throw new Error(`the engine failed:\n${output}`);
  }
  return durationMs;
}
