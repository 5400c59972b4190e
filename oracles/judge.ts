import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";

/** What a minor's kube-proxy makes of one configuration. */
export interface Verdict {
  /** Unknown and duplicate fields, which kube-proxy logs and ignores. */
  readonly strict?: readonly string[];
  /** Why it exits before it validates. */
  readonly fatal?: string;
  /** What its validation refuses. */
  readonly invalid?: readonly { readonly field: string; readonly type: string; readonly text: string }[];
  /** The configuration as kubeadm's encoder writes it; absent when kubeadm cannot decode it. */
  readonly written?: string;
}

/** A feature gate as a minor's kube-proxy has it. */
export interface JudgedGate {
  readonly stage: "ALPHA" | "BETA" | "" | "DEPRECATED";
  readonly on?: boolean;
  readonly locked?: boolean;
  readonly needs?: readonly string[];
}

/** Lets the judge say what it makes of configurations, all in one process. */
export async function judge(path: string, configurations: readonly string[]): Promise<Verdict[]> {
  const lines = configurations.map((text) => Buffer.from(text).toString("base64"));
  const output = await outputOf(path, [], `${lines.join("\n")}\n`);
  const verdicts = output.trimEnd().split("\n");
  if (verdicts.length !== configurations.length) {
    throw new Error(`${path} gave ${verdicts.length} verdicts for ${configurations.length} configurations`);
  }
  return verdicts.map((line) => JSON.parse(line) as Verdict);
}

/** The feature gates of the judge's minor, by name. */
export async function judgedGates(path: string): Promise<Record<string, JudgedGate>> {
  return JSON.parse(await outputOf(path, ["gates"], "")) as Record<string, JudgedGate>;
}

async function outputOf(path: string, args: readonly string[], input: string): Promise<string> {
  const child = spawn(path, args, { stdio: ["pipe", "pipe", "pipe"] });
  // A judge that ended early does not read on; its exit code tells why.
  child.stdin.on("error", () => undefined).end(input);
  const code = new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  const [output, errors] = await Promise.all([text(child.stdout), text(child.stderr)]);
  if ((await code) !== 0) {
    throw new Error(`${path} ended with ${await code}: ${errors.slice(0, 2000)}`);
  }
  return output;
}
