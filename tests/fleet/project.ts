/** A program's folder with stacks, on the stand-in, and the command that goes over them. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { pathToFileURL } from "node:url";
import { stringify } from "yaml";
import { shellWord } from "../../components/input/printable.ts";
import { cleanEnvironment, type Ended, run } from "../engine/process.ts";

const root = join(import.meta.dirname, "..", "..");
const command = join(root, "commands", "fleet.ts");
/** As package.json starts it. */
const node = [process.execPath, "--max-semi-space-size=2", "--heap-growing-percent=50"];
const standin = join(root, "tests", "engine", "standin", "main.ts");

/** Puts an executable named `pulumi` into the folder's `bin`: a POSIX shell's script. */
export function putPulumi(folder: string, script: string): void {
  const path = join(folder, "bin", "pulumi");
  mkdirSync(join(folder, "bin"), { recursive: true });
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
}

/** The stand-in as a `pulumi` on PATH. */
export const standinScript = `exec ${shellWord(process.execPath)} ${shellWord(standin)} "$@"`;

/** A program's folder, for {@link fleet}. */
export class Project {
  /** Of everything: the program in `program`, its `fleet.yaml`, state, `bin`. */
  readonly folder: string;
  readonly #files: string;
  readonly #started: Started[] = [];

  /**
   * @param files - Folder with the program, whose files are copied.
   * @param links - What of this repository the program finds beside itself.
   * @param pulumi - What `pulumi` is, as {@link putPulumi} takes it.
   */
  constructor(files: string, links: readonly string[] = ["node_modules"], pulumi = standinScript) {
    this.folder = mkdtempSync(join(tmpdir(), "kube-proxy-fleet-"));
    this.#files = join(this.folder, "program");
    mkdirSync(this.#files);
    mkdirSync(join(this.folder, "state"));
    for (const name of ["Pulumi.yaml", "index.ts"]) cpSync(join(files, name), join(this.#files, name));
    for (const name of links) symlinkSync(join(root, name), join(this.#files, name));
    putPulumi(this.folder, pulumi);
  }

  /** The whole environment of Pulumi, and of what runs it. */
  get env(): Record<string, string | undefined> {
    return cleanEnvironment({
      PATH: [join(this.folder, "bin"), process.env["PATH"]].join(delimiter),
      NODE_COMPILE_CACHE: join(root, ".cache", "node"),
      PULUMI_BACKEND_URL: pathToFileURL(join(this.folder, "state")).href,
      PULUMI_CREDENTIALS_PATH: join(this.folder, "credentials"),
      PULUMI_CONFIG_PASSPHRASE: "passphrase",
      PULUMI_SKIP_UPDATE_CHECK: "true",
    });
  }

  /** Runs Pulumi in the program's folder. */
  async pulumi(...args: string[]): Promise<Ended> {
    const argv = [join(this.folder, "bin", "pulumi"), ...args];
    return await run({ argv, cwd: this.#files, env: this.env }, { totalMs: 60_000 });
  }

  /** Makes a stack with such config. */
  async addStack(name: string, config: Readonly<Record<string, unknown>> = {}): Promise<void> {
    const { exitCode, output } = await this.pulumi("stack", "init", name, "--no-select", "--non-interactive");
    if (exitCode !== 0) throw new Error(output);
    this.setConfig(name, config);
  }

  /** Writes a stack's config, in place of what it was; keys with their namespace. */
  setConfig(stack: string, config: Readonly<Record<string, unknown>>): void {
    writeFileSync(join(this.#files, `Pulumi.${stack}.yaml`), stringify({ config }));
  }

  /** Writes `fleet.yaml`. */
  setFleet(fleet: Readonly<Record<string, unknown>>): void {
    writeFileSync(join(this.folder, "fleet.yaml"), stringify({ program: "program", ...fleet }));
  }

  /** The command's whole argv. */
  argv(operation: string, ...args: string[]): string[] {
    return [...node, command, operation, "--file", join(this.folder, "fleet.yaml"), ...args];
  }

  /** Runs the command to its end. */
  async fleet(operation: string, ...args: string[]): Promise<Ended> {
    return await run({ argv: this.argv(operation, ...args), cwd: root, env: this.env }, { totalMs: 300_000 });
  }

  /** Starts the command, or what has it in its argv. */
  start(argv: readonly string[]): Started {
    const started = new Started(argv, this.env);
    this.#started.push(started);
    return started;
  }

  /** Ends what was started, and takes everything away. */
  dispose(): void {
    for (const started of this.#started) started.signal("SIGKILL");
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** A command under way. */
export class Started {
  readonly #child: ChildProcess;
  output = "";
  readonly #waiting: { text: string; resolve: () => void }[] = [];

  constructor([file = "", ...args]: readonly string[], env: Record<string, string | undefined>) {
    this.#child = spawn(file, args, { cwd: root, env, stdio: ["pipe", "pipe", "pipe"] });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding("utf8").on("data", (text: string) => {
        this.output += text;
        for (const { text: wanted, resolve } of this.#waiting) if (this.output.includes(wanted)) resolve();
      });
    }
  }

  /**
   * Waits until the output has a text in it.
   *
   * @throws Error when the command ends, or a minute has passed, before it has.
   */
  async said(text: string): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<undefined>();
    const fail = (): void => {
      reject(new Error(`no ${JSON.stringify(text)} in:\n${this.output}`));
    };
    const deadline = setTimeout(fail, 60_000);
    this.#child.once("close", fail);
    this.#waiting.push({
      text,
      resolve: () => {
        resolve(undefined);
      },
    });
    if (this.output.includes(text)) resolve(undefined);
    try {
      await promise;
    } finally {
      clearTimeout(deadline);
      this.#child.off("close", fail);
    }
  }

  type(keys: string): void {
    this.#child.stdin?.write(keys);
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  /** Its exit code, once it has ended. */
  async ended(): Promise<number | null> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) await once(this.#child, "close");
    return this.#child.exitCode;
  }
}
