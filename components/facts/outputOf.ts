import { spawn } from "node:child_process";

/** What a process is given, and when it is ended. */
export interface Run {
  readonly env: NodeJS.ProcessEnv;
  /** Longest time without a word from it, in milliseconds: however long it works, it has to say that it does. */
  readonly silentMs: number;
  /** Ends it before. */
  readonly signal?: AbortSignal | undefined;
}

/** From the request to end until it is made to, in milliseconds; it may have processes of its own to put away. */
const endMs = 2000;

/**
 * Runs a program.
 *
 * @returns what it prints
 * @throws Error with what it complains of when it fails, and when it is silent for too long
 */
export async function outputOf(file: string, args: readonly string[], run: Run): Promise<string> {
  const { env, silentMs, signal } = run;
  const child = spawn(file, args, { env, signal, stdio: ["ignore", "pipe", "pipe"] });
  const timer = setTimeout(() => {
    child.kill();
    setTimeout(() => child.kill("SIGKILL"), endMs).unref();
  }, silentMs);
  const [output, complaint] = [child.stdout, child.stderr].map((stream) => {
    const parts: string[] = [];
    stream.setEncoding("utf8").on("data", (part: string) => {
      parts.push(part);
      timer.refresh();
    });
    return parts;
  }) as [string[], string[]];
  try {
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once("error", reject);
      child.once("close", resolve);
    });
    if (child.killed) throw new Error(`no sign of life within ${silentMs / 1000} s`);
    if (code !== 0) throw new Error(complaint.join("") || `the process that reads it has ended with ${code}`);
    return output.join("");
  } finally {
    clearTimeout(timer);
  }
}
