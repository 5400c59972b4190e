/** Child processes that are always ended, with all that they started. */
import { execFileSync, spawn } from "node:child_process";
import { constants } from "node:os";

/** A process and how it is started; no shell is involved. */
export interface ProcessOptions {
  /** Program and arguments. */
  argv: readonly string[];
  cwd: string;
  /** The whole environment. */
  env: Readonly<Record<string, string | undefined>>;
  /** Takes standard output and error, a piece at a time. */
  onOutput?: (text: string, from: "stdout" | "stderr") => void;
}

/** A process under way. */
export interface ChildProcess {
  readonly pid: number;
  /**
   * Exit code; 128 plus the signal's number when a signal ended it, 127 when it could not start.
   * Does not reject.
   */
  readonly exited: Promise<number>;
  /** Kills the process and every process under it. */
  kill(): void;
}

const running = new Set<ChildProcess>();

// Whoever ends without waiting leaves no engine behind.
process.once("exit", () => {
  for (const child of running) child.kill();
});

/** Asks the engines to end well, which keeps their state whole, and then ends as asked. */
function interrupt(signal: NodeJS.Signals): void {
  for (const { pid } of running) process.kill(pid, "SIGINT");
  void Promise.all([...running].map(({ exited }) => exited)).then(() => {
    stopListening();
    process.kill(process.pid, signal);
  });
}

function stopListening(): void {
  process.off("SIGINT", interrupt).off("SIGTERM", interrupt);
}

/** Starts a process whose output is piped here and whose input is empty. */
export function start({ argv, cwd, env, onOutput }: ProcessOptions): ChildProcess {
  const [file = "", ...args] = argv;
  // In a process group of its own: a terminal's Ctrl-C is to reach it once, through interrupt().
  const child = spawn(file, args, { cwd, env, detached: true, stdio: ["ignore", "pipe", "pipe"] });
  for (const from of ["stdout", "stderr"] as const) {
    child[from].setEncoding("utf8").on("data", (text: string) => onOutput?.(text, from));
  }
  const { promise: exited, resolve } = Promise.withResolvers<number>();
  child.once("error", (error) => {
    onOutput?.(`${file}: ${error.message}\n`, "stderr");
    resolve(127);
  });
  child.once("close", (code, signal) => {
    resolve(code ?? 128 + constants.signals[signal ?? "SIGKILL"]);
  });
  const pid = child.pid ?? 0;
  const handle: ChildProcess = {
    pid,
    exited,
    kill: () => {
      if (pid !== 0 && child.exitCode === null && child.signalCode === null) killTree(pid);
    },
  };
  if (running.size === 0) process.once("SIGINT", interrupt).once("SIGTERM", interrupt);
  running.add(handle);
  void exited.then(() => {
    running.delete(handle);
    if (running.size === 0) stopListening();
  });
  return handle;
}

/**
 * Kills a process and all under it. Pulumi starts its plugins in process groups of their own, so a
 * group's signal would miss them; the parents' pids do not.
 */
function killTree(root: number): void {
  const table = execFileSync("ps", ["-A", "-o", "pid=,ppid="], { encoding: "utf8" });
  const rows = table.split("\n").map((line) => line.trim().split(/\s+/).map(Number));
  const tree = [root];
  for (const parent of tree) {
    for (const [pid, ppid] of rows) if (ppid === parent && pid !== undefined) tree.push(pid);
  }
  for (const pid of tree) {
    try {
      process.kill(pid, "SIGKILL");
    } catch (error) {
      // It ended on its own since the table was read.
      if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
    }
  }
}

/** Limits of {@link run}, in milliseconds. */
export interface Limits {
  /** Longest silence; unlimited without it. */
  idleMs?: number;
  totalMs: number;
}

/** How a process that {@link run} waited for has ended. */
export interface Ended {
  exitCode: number;
  stdout: string;
  /** Standard output and error. */
  output: string;
  /** Set when a limit, not the process, ended it: which limit. */
  gaveUp?: string;
}

/** Runs a process to its end, or kills it when it takes longer or stays silent longer. */
export async function run(options: ProcessOptions, limits: Limits): Promise<Ended> {
  const text = { stdout: "", output: "" };
  let gaveUp: string | undefined;
  const giveUp = (what: string): void => {
    gaveUp = what;
    child.kill();
  };
  const { idleMs, totalMs } = limits;
  const onIdle = (): void => {
    giveUp(`no sign of life for ${seconds(idleMs)}`);
  };
  const idle = idleMs === undefined ? undefined : setTimeout(onIdle, idleMs);
  const total = setTimeout(() => {
    giveUp(`not done after ${seconds(totalMs)}`);
  }, totalMs);
  const child = start({
    ...options,
    onOutput: (piece, from) => {
      text.output += piece;
      if (from === "stdout") text.stdout += piece;
      idle?.refresh();
    },
  });
  const exitCode = await child.exited;
  clearTimeout(idle);
  clearTimeout(total);
  return { exitCode, ...text, ...(gaveUp === undefined ? {} : { gaveUp }) };
}

function seconds(ms = 0): string {
  return `${String(ms / 1000)} s`;
}

/** This process's environment without `PULUMI_*`, plus what is given: nothing of a user's login. */
export function cleanEnvironment(
  extra: Readonly<Record<string, string>> = {},
): Record<string, string | undefined> {
  // PULUMI_HOME is only where the CLI and its plugins are cached, once credentials live elsewhere.
  const inherited = Object.entries(process.env).filter(
    ([key]) => !key.startsWith("PULUMI_") || key === "PULUMI_HOME",
  );
  return { ...Object.fromEntries(inherited), ...extra };
}
