import { execFileSync, spawn } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";

import { waitFor } from "./wait.ts";

/**
 * One certain process: the system gives a pid again once its process has ended, but never with the
 * same start time. Only what {@link isAlive} confirms is ever signalled.
 */
export interface ProcessIdentity {
  pid: number;
  /** Start time, in a form only this module reads. */
  started: string;
}

/** Reads who has this pid now; undefined when nobody has it, or only a zombie. */
export function identify(pid: number): ProcessIdentity | undefined {
  return process.platform === "linux" ? identifyFromProc(pid) : identifyFromPs(pid);
}

function identifyFromProc(pid: number): ProcessIdentity | undefined {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ESRCH") return undefined;
    throw error;
  }
  // The second field is the name in parentheses and may itself hold spaces and parentheses; what
  // follows starts at field 3 (state), and field 22 is the start in clock ticks since boot.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const [state, ticks] = [fields[0], fields[19]];
  if (ticks === undefined) throw new Error(`/proc/${pid}/stat has no start time: ${stat}`);
  if (state === "Z" || state === "X") return undefined;
  const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  return { pid, started: `${boot}:${ticks}` };
}

function identifyFromPs(pid: number): ProcessIdentity | undefined {
  let line: string;
  try {
    line = execFileSync("ps", ["-o", "state=,lstart=", "-p", String(pid)], {
      encoding: "utf8",
      env: { ...process.env, LC_ALL: "C" },
    }).trim();
  } catch (error) {
    // ps exits with 1 when there is no such process.
    if ((error as { status?: number }).status === 1) return undefined;
    throw error;
  }
  const [state = "", ...started] = line.split(/\s+/);
  return state.startsWith("Z") ? undefined : { pid, started: started.join(" ") };
}

/** Whether exactly this process still runs. */
export function isAlive(identity: ProcessIdentity): boolean {
  return identify(identity.pid)?.started === identity.started;
}

/** What {@link startDetached} starts. */
export interface Command {
  file: string;
  args: readonly string[];
  /** The name the process goes by, in `ps` and for a multi-call binary. */
  argv0: string;
  /** The whole environment: nothing is inherited. */
  env: Readonly<Record<string, string>>;
  cwd: string;
  /** File that takes standard output and standard error; mode 0600. */
  log: string;
}

/**
 * Starts a process that outlives this one, in a session of its own, so that neither the end of the
 * terminal nor its Ctrl-C reaches it.
 *
 * @throws Error when the process cannot be started.
 */
export async function startDetached(command: Command): Promise<ProcessIdentity> {
  const log = openSync(command.log, "a", 0o600);
  try {
    const child = spawn(command.file, command.args, {
      argv0: command.argv0,
      env: command.env,
      cwd: command.cwd,
      detached: true,
      stdio: ["ignore", log, log],
    });
    const failed = new Promise<never>((_, reject) => child.once("error", reject));
    if (child.pid === undefined) return await failed;
    child.unref();
    // A process that has ended already is a zombie of ours: dead to identify(), so an impossible
    // start time stands for it, and whoever waits for the process reports its log.
    return identify(child.pid) ?? { pid: child.pid, started: "ended at once" };
  } finally {
    closeSync(log);
  }
}

/**
 * Ends these processes, all at once: SIGTERM, after `graceMs` SIGKILL. One that has ended already,
 * or whose pid belongs to another process by now, is left alone.
 *
 * @throws Error when one is still there 10 s after SIGKILL.
 */
export async function end(processes: readonly ProcessIdentity[], graceMs: number): Promise<void> {
  const living = (): ProcessIdentity[] => processes.filter(isAlive);
  const gone = (timeoutMs: number): Promise<void> => {
    const pids = processes.map(({ pid }) => pid).join(", ");
    return waitFor(`the end of process ${pids}`, { timeoutMs }, () => living().length === 0);
  };
  signal(living(), "SIGTERM");
  try {
    await gone(graceMs);
  } catch {
    signal(living(), "SIGKILL");
    await gone(10_000);
  }
}

function signal(processes: readonly ProcessIdentity[], name: NodeJS.Signals): void {
  for (const { pid } of processes) {
    try {
      process.kill(pid, name);
    } catch (error) {
      // It ended between our look and our signal.
      if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
    }
  }
}

/** Runs `work` with a signal that SIGINT and SIGTERM abort, instead of ending this process. */
export async function interruptible<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const interrupt = (name: NodeJS.Signals): void => {
    controller.abort(new Error(`interrupted by ${name}`));
  };
  process.on("SIGINT", interrupt).on("SIGTERM", interrupt);
  try {
    return await work(controller.signal);
  } finally {
    process.off("SIGINT", interrupt).off("SIGTERM", interrupt);
  }
}
