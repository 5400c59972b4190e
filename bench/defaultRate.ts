import { RestartStrategy } from "../components/restart/restart.ts";
import { controllerRate, handoverSeconds } from "../components/restart/timeouts.ts";
import { type Lab, setNodes } from "../lab/index.ts";
import { nameOf } from "../lab/nodes.ts";
import { waitFor } from "../lab/wait.ts";
import { followHandover, type Handover } from "./handover.ts";
import { recipes, timeStatus } from "./kubectl.ts";
import { timed } from "./restart.ts";
import { compare, type Comparison } from "./statistics.ts";
import { type Subject, withSubject } from "./subject.ts";

/** Longest wait for pods that change hands, or for the kube-proxy of a node that joins. */
const timeoutMs = 30 * 60_000;

/** One repetition, in milliseconds. */
interface Run {
  readonly restart: number;
  readonly recipe: number;
  /** While pods change hands. */
  readonly hands: number;
  /** From the moment at which a node is made until its kube-proxy is Ready: as hands begin to change, and at a quiet time. */
  readonly join: number;
  readonly quietJoin: number;
}

/**
 * Rolling restarts where the controller manager sends as many requests a second as it does by default: against what an
 * operator would type, how long pods change hands, and how long a node that joins meanwhile waits for its kube-proxy.
 */
export function measureDefaultRate(sizes: readonly number[], runs: number): Promise<Comparison[]> {
  const measureAll = async (subject: Subject): Promise<Comparison[]> => {
    const rows: Comparison[] = [];
    for (const size of sizes) {
      const lab = await setNodes(subject.lab, size, console.log);
      rows.push(...(await measure({ ...subject, lab }, runs)));
    }
    return rows;
  };
  return withSubject(sizes[0] ?? 300, measureAll, { kubeApiQps: controllerRate });
}

async function measure(subject: Subject, count: number): Promise<Comparison[]> {
  const { stack, lab, kind } = subject;
  const { what: recipe } = recipes[RestartStrategy.Rolling];
  await timed(stack);
  const runs: Run[] = [];
  for (let run = 1; run <= count; run++) {
    console.log(
      `Rolling restart of ${lab.nodes} nodes, ${controllerRate} requests a second, ${run} of ${count}`,
    );
    runs.push(await measureOnce(subject, run));
  }
  const of = (series: keyof Run) => runs.map((run) => run[series]);
  const row = (what: string, ours: readonly number[], theirs: readonly number[], against: string) =>
    compare({
      what: `${what}, Rolling, ${lab.nodes} nodes, ${controllerRate} requests a second (${kind})`,
      unit: "ms",
      ours,
      theirs,
      against,
    });
  return [
    row("restart, all of it", of("restart"), of("recipe"), recipe),
    row(
      "of it pods change hands",
      of("hands"),
      [handoverSeconds(lab.nodes) * 1000],
      "what the forecast says",
    ),
    row(
      "a node joins as hands begin to change: until its kube-proxy is Ready",
      of("join"),
      of("quietJoin"),
      "the same while nothing changes",
    ),
  ];
}

async function measureOnce({ stack, lab }: Subject, run: number): Promise<Run> {
  const recipe = await recipes[RestartStrategy.Rolling].run(lab);
  // To the program what the recipe left is an edit of somebody else: it is taken in first.
  await timed(stack);
  const quietJoin = await followHandover(lab, (handover) => join(lab, handover));
  await leave(lab);
  return await followHandover(lab, async (handover) => {
    const joining = async (): Promise<number> => {
      await waitFor("a pod without an owner", { timeoutMs }, () => handover.hasBegun);
      return await join(lab, handover);
    };
    const restarting = timed(stack, { restart: `bench at the default rate, ${lab.nodes} nodes, ${run}` });
    const [restart, joined] = await Promise.all([restarting, joining()]);
    const { orphaning, adopting, all: hands } = handover.duration;
    console.log(
      `hands changed for ${seconds(hands)}: ${seconds(orphaning)} until no pod had an owner, ` +
        `${seconds(adopting)} from the first adoption to the last; a node that joined waited ${seconds(joined)}, ` +
        `at a quiet time ${seconds(quietJoin)}`,
    );
    await leave(lab);
    return { restart, recipe, hands, join: joined, quietJoin };
  });
}

/** Adds a node; gives the time from then until its kube-proxy is Ready. */
async function join(lab: Lab, handover: Handover): Promise<number> {
  const name = nameOf(lab.nodes);
  const began = performance.now();
  await setNodes(lab, lab.nodes + 1);
  await waitFor(`the kube-proxy of ${name}`, { timeoutMs }, () => handover.readySince(name) !== undefined);
  return (handover.readySince(name) ?? NaN) - began;
}

/** Takes that node away again. */
async function leave(lab: Lab): Promise<void> {
  await setNodes(lab, lab.nodes);
  await timeStatus(lab);
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(1)} s`;
}
