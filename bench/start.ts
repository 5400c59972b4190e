import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { parse } from "yaml";
import type { Lab } from "../lab/index.ts";
import { timeScript } from "./script.ts";
import { compare, type Comparison } from "./statistics.ts";
import { settings, withSubject } from "./subject.ts";

/**
 * The start of the program, without the engine: its modules are loaded, the cluster is read and checked, and the
 * resources are registered with Pulumi's mocks; against a program that loads the same three SDKs and does nothing.
 */
export function measureStart(nodes: number, runs: number): Promise<Comparison[]> {
  return withSubject(nodes, ({ lab }) => Promise.resolve(compareStarts(lab, runs)));
}

function compareStarts({ kubeconfig, nodes }: Lab, runs: number): Comparison[] {
  const config = Object.fromEntries(
    Object.entries({ ...settings, kubeconfig }).map(([key, value]) => [`kube-proxy:${key}`, value]),
  );
  const programs = {
    ours: { main: join(root, "index.ts"), nodeargs: nodeargs() },
    theirs: { main: join(import.meta.dirname, "empty.ts"), nodeargs: [] },
  };
  const samples = { ours: [] as Sample[], theirs: [] as Sample[] };
  for (let run = 0; run < runs; run++) {
    console.log(`start of the program, ${run + 1} of ${runs}`);
    for (const side of ["ours", "theirs"] as const) {
      samples[side].push(start(programs[side], config));
    }
  }
  const against = "an empty program that imports the same three SDKs";
  const pick = (side: keyof typeof samples, key: keyof Sample) => samples[side].map((sample) => sample[key]);
  return [
    compare({
      what: `start, time, ${nodes} nodes`,
      unit: "ms",
      ours: pick("ours", "ms"),
      theirs: pick("theirs", "ms"),
      against,
      goal: 1.3,
    }),
    compare({
      what: `start, memory, ${nodes} nodes`,
      unit: "MB",
      ours: pick("ours", "mb"),
      theirs: pick("theirs", "mb"),
      against,
      goal: 1.3,
    }),
  ];
}

interface Sample {
  readonly ms: number;
  readonly mb: number;
}

interface Program {
  readonly main: string;
  /** Arguments of Node.js, as in Pulumi.yaml. */
  readonly nodeargs: readonly string[];
}

const root = join(import.meta.dirname, "..");

function nodeargs(): string[] {
  const project = parse(readFileSync(join(root, "Pulumi.yaml"), "utf8")) as {
    runtime: { options: { nodeargs: string } };
  };
  return project.runtime.options.nodeargs.split(" ");
}

function start({ main, nodeargs }: Program, config: object): Sample {
  const env = { PULUMI_CONFIG: JSON.stringify(config) };
  const args = [pathToFileURL(main).href, "--project", "kube-proxy"];
  const { ms, stdout } = timeScript("bench/run.ts", args, { env, nodeargs });
  // What the program says comes before.
  return { ms, mb: Number(stdout.trimEnd().split("\n").at(-1)) };
}
