/** Measures whether Services answer, by `labnode probe` on a real node and in a pod (lab/real/go). */
import { kubectlCommand, nodeCommand, type Lab } from "../../lab/index.ts";
import { priority } from "../../lab/real/node.ts";
import type { Invocation } from "../../lab/tools.ts";
import { eventually } from "../e2e/scenario.ts";
import { startLines, type LineProgram } from "./lines.ts";
import { clientPod, type Targets } from "./responder.ts";

/** One question to a Service. */
export interface Attempt {
  /** From where: `node` or `pod`. */
  from: string;
  /** The name of the address that was asked. */
  target: string;
  /** `new`: with a connection, or socket, of its own. `kept`: over the one that the attempts before used. */
  flow: "new" | "kept";
  /** When it began, in milliseconds since 1970. */
  at: number;
  /** Milliseconds. */
  took: number;
  /** The pod that answered. */
  server?: string;
  /** Why nobody did. */
  error?: string;
}

/** How a {@link Probe} asks. */
export interface Pace {
  /** Milliseconds between two questions of a kind. Default: 50. */
  intervalMs?: number;
  /** How long an answer may take, in milliseconds. Default: 2000. */
  timeoutMs?: number;
}

/** Asks addresses from a node and from a pod, 20 times a second each unless told otherwise, until it is stopped. */
export class Probe {
  readonly attempts: Attempt[] = [];
  readonly #programs: LineProgram[];
  readonly #streams: number;

  private constructor(lab: Lab, node: string, targets: Targets, pace: Pace) {
    const { intervalMs = 50, timeoutMs = 2000 } = pace;
    const options = [
      ...["-interval", `${intervalMs}ms`, "-timeout", `${timeoutMs}ms`],
      ...Object.entries(targets).flatMap(([name, address]) => ["-target", `${name}=${address}`]),
    ];
    const inPod = ["exec", "--stdin", clientPod, "--", "/labnode", "probe", ...options];
    const places = {
      node: ahead(nodeCommand(lab, node, ["labnode", "probe", ...options])),
      pod: kubectlCommand(lab, inPod),
    };
    this.#streams = 2 * Object.keys(targets).length * Object.keys(places).length;
    this.#programs = Object.entries(places).map(([from, invocation]) =>
      startLines(invocation, (line) => {
        this.attempts.push({ from, ...(JSON.parse(line) as Omit<Attempt, "from">) });
      }),
    );
  }

  /** Starts, and waits until every address has been asked from everywhere. */
  static async start(lab: Lab, node: string, targets: Targets, pace: Pace = {}): Promise<Probe> {
    const probe = new Probe(lab, node, targets, pace);
    await probe.after(0, 1);
    return probe;
  }

  /** The attempts that began after a moment, once there are `count` of each kind. */
  async after(moment: number, count: number): Promise<Attempt[]> {
    const later = () => this.attempts.filter(({ at }) => at > moment);
    await eventually(`${count} attempts of each kind`, () => {
      const counts = [...Map.groupBy(later(), nameOf).values()].map((group) => group.length);
      return Promise.resolve(counts.length === this.#streams && Math.min(...counts) >= count);
    });
    return later();
  }

  /** Ends, when the attempts under way have. */
  async stop(): Promise<void> {
    await Promise.all(this.#programs.map((program) => program.stop()));
  }
}

/** With the nodes' own priority: on a busy machine a late question would look like a late answer. */
function ahead({ file, args, ...others }: Invocation): Invocation {
  return { ...others, file: "nice", args: ["-n", priority, file, ...args] };
}

/** What an attempt was, as a reader is told. */
function nameOf({ from, target, flow }: Attempt): string {
  return `from the ${from}, ${target}, ${flow}`;
}

/** The failures among attempts, a line for each kind of attempt that has some; nothing where all were answered. */
export function failures(attempts: readonly Attempt[]): string[] {
  return [...Map.groupBy(attempts, nameOf)].flatMap(([name, group]) => {
    const failed = group.filter(({ error }) => error !== undefined);
    if (failed.length === 0) return [];
    // What comes before is the addresses, of which each attempt has others.
    const reasons = [...new Set(failed.map(({ error }) => error?.split(": ").at(-1)))].join("; ");
    return `${name}: ${failed.length} of ${group.length} failed: ${reasons}`;
  });
}
