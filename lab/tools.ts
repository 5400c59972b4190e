import { spawn } from "node:child_process";
import { basename, join } from "node:path";
import { text } from "node:stream/consumers";

import type { Lab } from "./state.ts";

/** What a command left behind. */
export interface Result {
  stdout: string;
  stderr: string;
  /** Exit code; null when a signal ended it. */
  code: number | null;
}

/** Options of {@link run}. */
export interface RunOptions {
  /** Text for its standard input; nothing unless given. */
  stdin?: string;
  /** Ends the command with SIGTERM; {@link run} then rejects with the signal's reason. */
  signal?: AbortSignal | undefined;
}

/** A command line, with its whole environment. */
export interface Invocation {
  file: string;
  args: string[];
  env: NodeJS.ProcessEnv;
  /** Folder that it runs in; this process' one unless given. */
  cwd?: string;
}

/**
 * The environment of the lab's own processes. Nothing of the user's is in it: kubeadm would copy
 * proxy variables into kube-proxy's pods, and kwok reads a configuration file below HOME.
 */
export function ownEnvironment(dir: string): Record<string, string> {
  return {
    HOME: join(dir, "home"),
    PATH: process.env["PATH"] ?? "",
    // Trades memory for time: with Go's 100 the garbage collector takes a seventh more of the CPU
    // while 500 pods are replaced, and a lab is bound by its CPU.
    GOGC: "300",
  };
}

/**
 * kubectl against a lab: in the user's environment (editor, terminal), but with the lab's
 * kubeconfig, and with nothing read from or written to `~/.kube`.
 */
export function kubectlInvocation(lab: Lab, binary: string, args: readonly string[]): Invocation {
  const env = {
    ...process.env,
    KUBECONFIG: lab.kubeconfig,
    KUBECACHEDIR: join(lab.dir, "kubectl-cache"),
    KUBERC: "off",
  };
  return { file: binary, args: ["kubectl", ...args], env };
}

/**
 * Runs a command to its end.
 *
 * @returns Its output and exit code, whatever that is.
 * @throws Error when it cannot be started; the reason of `options.signal`.
 */
export async function run(invocation: Invocation, options: RunOptions = {}): Promise<Result> {
  const { file, args, env, cwd } = invocation;
  const child = spawn(file, args, { env, cwd, signal: options.signal, stdio: "pipe" });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once("error", (error) => {
      reject(options.signal?.aborted === true ? (options.signal.reason as Error) : error);
    });
    child.once("close", resolve);
  });
  child.stdin.once("error", () => undefined); // It may end without having read everything.
  child.stdin.end(options.stdin);
  const [stdout, stderr, code] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  return { stdout, stderr, code };
}

/** {@link run}, but rejects when the exit code is not 0, with what the command said. */
export async function runOrFail(invocation: Invocation, options: RunOptions = {}): Promise<string> {
  const { stdout, stderr, code } = await run(invocation, options);
  if (code === 0) return stdout;
  const command = [basename(invocation.file), ...invocation.args].join(" ");
  throw new Error(`"${command}" ended with exit code ${code}:\n${stderr || stdout}`);
}
