import { spawn } from "node:child_process";
import { globSync, readdirSync, readFileSync } from "node:fs";
import { basename, join, relative } from "node:path";
import { compileCache } from "../components/facts/compileCache.ts";

const root = join(import.meta.dirname, "..");

/** Whose work a test waits for. */
const kinds = ["tests", "engine", "commands", "control plane", "nodes"] as const;
type Kind = (typeof kinds)[number];

/** What one test file took, alone on the machine, in seconds. */
export interface FileCost {
  readonly seconds: number;
  /** CPU by whose it was; on Linux only. */
  readonly cpu: Readonly<Partial<Record<Kind, number>>>;
}

/** Measures every test file, one after the other. */
export async function measureTests(): Promise<Record<string, FileCost>> {
  const costs: Record<string, FileCost> = {};
  const files = globSync("tests/**/*.test.ts", { cwd: root }).sort();
  for (const [index, file] of files.entries()) {
    console.log(`${file}, ${index + 1} of ${files.length}`);
    costs[file] = await measureFile(file);
  }
  return costs;
}

/** The costs as a table, the longest first; what is not CPU is waiting. */
export function costTable(costs: Readonly<Record<string, FileCost>>): string {
  const rows = Object.entries(costs)
    .sort(([, a], [, b]) => b.seconds - a.seconds)
    .map(([file, { seconds, cpu }]) => [file, seconds, ...kinds.map((kind) => cpu[kind] ?? 0)]);
  const total = ["all", ...[1, 2, 3, 4, 5, 6].map((i) => rows.reduce((sum, row) => sum + Number(row[i]), 0))];
  return [
    ["file", "time", ...kinds.map((kind) => `CPU of ${kind}`)],
    ["---", "---", ...kinds.map(() => "---")],
    ...[...rows, total].map((row) => row.map((cell) => (typeof cell === "number" ? cell.toFixed(1) : cell))),
  ]
    .map((cells) => `| ${cells.join(" | ")} |`)
    .join("\n");
}

async function measureFile(file: string): Promise<FileCost> {
  const began = performance.now();
  const sampler = new Sampler();
  const timer = setInterval(() => {
    sampler.sample();
  }, 200);
  try {
    const env = { ...process.env, NODE_COMPILE_CACHE: compileCache };
    const child = spawn(process.execPath, ["--test", join(root, file)], { cwd: root, stdio: "ignore", env });
    const code = await new Promise((resolve) => child.once("close", resolve));
    if (code !== 0) throw new Error(`${file} fails: mend it before it is measured`);
    return { seconds: rounded((performance.now() - began) / 1000), cpu: sampler.totals() };
  } finally {
    clearInterval(timer);
  }
}

/** Adds up the CPU time of the project's processes that begin after it, by looking at `/proc` now and then. */
class Sampler {
  readonly #old: ReadonlySet<string>;
  readonly #seconds = new Map<string, { readonly kind: Kind; readonly seconds: number }>();

  constructor() {
    this.#old = new Set(processes().map(({ id }) => id));
  }

  sample(): void {
    for (const { id, argv, ticks } of processes()) {
      const kind = this.#old.has(id) ? undefined : kindOf(argv);
      if (kind !== undefined) this.#seconds.set(id, { kind, seconds: ticks / ticksPerSecond });
    }
  }

  totals(): Partial<Record<Kind, number>> {
    const groups = Map.groupBy(this.#seconds.values(), ({ kind }) => kind);
    return Object.fromEntries(
      [...groups].map(([kind, all]) => [kind, rounded(all.reduce((sum, { seconds }) => sum + seconds, 0))]),
    );
  }
}

/** Of Linux; `getconf CLK_TCK` says so everywhere. */
const ticksPerSecond = 100;

interface Process {
  /** Its pid and the moment of its start. */
  readonly id: string;
  readonly argv: readonly string[];
  readonly ticks: number;
}

function processes(): Process[] {
  const pids = process.platform === "linux" ? readdirSync("/proc").filter((name) => /^\d+$/.test(name)) : [];
  return pids.flatMap((pid) => {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
      const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      const argv = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
      return [{ id: `${pid} ${fields[19] ?? ""}`, argv, ticks: Number(fields[11]) + Number(fields[12]) }];
    } catch {
      return []; // It has ended.
    }
  });
}

/** Whose work a process does; undefined for one that is not the project's. */
function kindOf([file = "", ...args]: readonly string[]): Kind | undefined {
  const script = args.map((arg) => relative(root, arg)).find((path) => path.endsWith(".ts")) ?? "";
  if (script.startsWith("commands/")) return "commands";
  if (script.startsWith("tests/engine/standin") || basename(file).startsWith("pulumi")) return "engine";
  if (script.startsWith("tests/") || args.includes("--test")) return "tests";
  if (/^(kube-(apiserver|controller-manager|scheduler)|etcd)$/.test(basename(file))) return "control plane";
  return script.startsWith("lab/") || args.some((arg) => arg.includes("/.lab/")) ? "nodes" : undefined;
}

function rounded(seconds: number): number {
  return Math.round(seconds * 10) / 10;
}
