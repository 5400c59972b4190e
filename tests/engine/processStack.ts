/** A stack whose engine is a command line: `pulumi`, or the stand-in that takes the same arguments. */
import {
  closeSync,
  existsSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { StringDecoder } from "node:string_decoder";
import { setTimeout as sleep } from "node:timers/promises";
import { pathToFileURL } from "node:url";

import { StepRecorder } from "./events.ts";
import { type ChildProcess, cleanEnvironment, run, start } from "./process.ts";
import {
  makePrivateFolder,
  projectName,
  type StackFiles,
  stackFiles,
  writeStackConfig,
} from "./stackConfig.ts";
import type { Result, Running, Stack, StackOptions, StateResource } from "./types.ts";

type Operation = "preview" | "up" | "destroy";

/** Longest `stack init` or `cancel`, which only touch the state folder. */
const bookkeepingMs = 60_000;
const pollMs = 25;

/** The arguments that both engines take for each operation. */
const operationArgs: Record<Operation, readonly string[]> = {
  preview: ["preview"],
  up: ["up", "--yes", "--skip-preview"],
  destroy: ["destroy", "--yes", "--skip-preview"],
};

/** {@link Stack} over a command line. */
export class ProcessStack implements Stack {
  readonly #command: readonly string[];
  readonly #options: StackOptions;
  #name: string;
  #files: StackFiles;
  readonly #running = new Set<ChildProcess>();
  #config: Readonly<Record<string, unknown>>;

  /** @param command - Program and leading arguments that start the engine. */
  constructor(command: readonly string[], options: StackOptions) {
    this.#command = command;
    this.#options = options;
    this.#config = options.config;
    this.#name = options.stack;
    this.#files = stackFiles(options.workDir, options.stack);
    makePrivateFolder(options.workDir);
    this.#writeConfig();
  }

  preview(): Promise<Result> {
    return this.#start("preview").done;
  }

  up(replace?: string): Promise<Result> {
    return this.#start("up", replace === undefined ? [] : ["--replace", replace]).done;
  }

  destroy(): Promise<Result> {
    return this.#start("destroy").done;
  }

  startUp(): Running {
    return this.#start("up");
  }

  setConfig(changes: Readonly<Record<string, unknown>>): Promise<void> {
    const entries = Object.entries({ ...this.#config, ...changes });
    this.#config = Object.fromEntries(entries.filter(([, value]) => value !== undefined));
    this.#writeConfig();
    return Promise.resolve();
  }

  cancel(): Promise<void> {
    return this.bookkeep(["cancel", "--yes"], this.#options.projectDir);
  }

  async rename(name: string): Promise<void> {
    const { workDir } = this.#options;
    const before = this.#files.config;
    await this.bookkeep(["stack", "rename", name], workDir);
    this.#name = name;
    this.#files = stackFiles(workDir, name);
    // The CLI does so where it finds the file beside the project's.
    if (existsSync(before)) renameSync(before, this.#files.config);
  }

  async editState(edit: (resources: StateResource[]) => StateResource[]): Promise<void> {
    const { workDir } = this.#options;
    const file = join(workDir, "exported.json");
    await this.bookkeep(["stack", "export", "--file", file], workDir);
    const state = JSON.parse(readFileSync(file, "utf8")) as { deployment: { resources?: StateResource[] } };
    state.deployment.resources = edit(state.deployment.resources ?? []);
    writeFileSync(file, JSON.stringify(state));
    await this.bookkeep(["stack", "import", "--file", file], workDir);
    rmSync(file);
  }

  async dispose(): Promise<void> {
    for (const child of this.#running) child.kill();
    await Promise.all([...this.#running].map((child) => child.exited));
  }

  /**
   * Runs a command that touches nothing but the engine's own files.
   *
   * @param accepted - An output that makes a failure acceptable.
   * @throws Error with the output.
   */
  async bookkeep(args: readonly string[], cwd: string, accepted?: RegExp): Promise<void> {
    const argv = [...this.#command, ...args, "--stack", this.#name, "--non-interactive"];
    const ended = await run({ argv, cwd, env: this.#environment() }, { totalMs: bookkeepingMs });
    if (ended.exitCode === 0 || accepted?.test(ended.output)) return;
    throw new Error(`${args.join(" ")}: ${ended.gaveUp ?? ended.output.trim()}`);
  }

  #writeConfig(): void {
    writeStackConfig(this.#files, projectName(this.#options.projectDir), this.#config);
  }

  #environment(): Record<string, string | undefined> {
    const { workDir, env } = this.#options;
    return cleanEnvironment({
      // The CLI runs the program with the first node on PATH: it is to be the one that runs this.
      PATH: [dirname(process.execPath), process.env["PATH"]].join(delimiter),
      ...env,
      PULUMI_BACKEND_URL: pathToFileURL(workDir).href,
      PULUMI_CREDENTIALS_PATH: join(workDir, "credentials"),
      PULUMI_CONFIG_PASSPHRASE_FILE: this.#files.passphrase,
      PULUMI_SKIP_UPDATE_CHECK: "true",
      // The CLI offers --event-log only to those who debug it.
      PULUMI_DEBUG_COMMANDS: "true",
    });
  }

  #start(operation: Operation, more: readonly string[] = []): Running {
    const { workDir, projectDir, log } = this.#options;
    const events = join(workDir, `events-${operation}.jsonl`);
    rmSync(events, { force: true });
    const recorder = new StepRecorder();
    const lines = new LineSplitter(log);
    const began = performance.now();
    const child = start({
      argv: [
        ...[...this.#command, ...operationArgs[operation], ...more, "--stack", this.#name],
        ...["--config-file", this.#files.config, "--event-log", events],
        ...["--non-interactive", "--color", "never"],
      ],
      cwd: projectDir,
      env: this.#environment(),
      onOutput: (text) => {
        lines.take(text);
      },
    });
    this.#running.add(child);
    const finish = async (): Promise<Result> => {
      const [exitCode] = await Promise.all([child.exited, follow(events, child.exited, recorder)]);
      const durationMs = performance.now() - began;
      this.#running.delete(child);
      const { steps, outputs, programMs } = recorder;
      const result = {
        ok: exitCode === 0,
        exitCode,
        steps,
        outputs,
        output: lines.end(),
        durationMs,
      };
      return programMs === undefined ? result : { ...result, programMs };
    };
    return {
      pid: child.pid,
      done: finish(),
      onStep: (callback) => {
        recorder.onStep(callback);
      },
      kill: () => {
        child.kill();
      },
    };
  }
}

/** Reads an event log while it grows, until the process that writes it has ended. */
async function follow(path: string, exited: Promise<unknown>, recorder: StepRecorder): Promise<void> {
  const decoder = new StringDecoder("utf8");
  const writer = { ended: false };
  void exited.then(() => (writer.ended = true));
  let file: number | undefined;
  const chunk = Buffer.alloc(1 << 16);
  try {
    for (;;) {
      const last = writer.ended;
      if (file === undefined && existsSync(path)) file = openSync(path, "r");
      for (let size = 1; file !== undefined && size > 0;) {
        size = readSync(file, chunk);
        recorder.read(decoder.write(chunk.subarray(0, size)));
      }
      if (last) return;
      await sleep(pollMs);
    }
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

/** Keeps a text and hands out its lines as they become whole. */
class LineSplitter {
  readonly #log: ((line: string) => void) | undefined;
  #text = "";
  #line = "";

  constructor(log: ((line: string) => void) | undefined) {
    this.#log = log;
  }

  take(text: string): void {
    this.#text += text;
    const lines = (this.#line + text).split("\n");
    this.#line = lines.pop() ?? "";
    for (const line of lines) this.#log?.(line);
  }

  end(): string {
    if (this.#line !== "") this.#log?.(this.#line);
    return this.#text;
  }
}
