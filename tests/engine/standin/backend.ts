/** Where stacks are kept: a folder, as the CLI's backend of files is one. */
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { userInfo } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** A mistake that the CLI tells with an exit code of its own. */
export class CliError extends Error {
  readonly exitCode: number;

  constructor(message: string, exitCode: number) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** What the CLI keeps of an update; `stack history --json` prints it with values as `config --json` has them. */
export interface HistoryEntry {
  version: 0;
  kind: "update" | "destroy";
  /** In UTC; whole seconds. */
  startTime: string;
  message: string;
  environment: Record<string, string>;
  /** As the stack's file had it, secrets sealed. */
  config: Record<string, unknown>;
  result: "succeeded" | "failed";
  endTime: string;
  resourceChanges: Record<string, number>;
}

const privateFile = { mode: 0o600 };
/** What the state of a stack is before its first update. */
const empty = { resources: [], pending: [] };

/** Stacks by name; of a name with organization and project the last part counts. */
export class Backend {
  readonly url: string;
  readonly #folder: string;

  /** @param url - As PULUMI_BACKEND_URL has it: `file://...` */
  constructor(url: string) {
    this.url = url;
    this.#folder = fileURLToPath(url);
  }

  /** Path of a stack's state. */
  stateOf(stack: string): string {
    return join(this.#folder, ".standin", `${shortName(stack)}.json`);
  }

  /** @throws CliError when there is no such stack. */
  check(stack: string): void {
    if (!existsSync(this.stateOf(stack))) throw new CliError(`no stack named '${stack}' found`, 6);
  }

  /** @throws CliError when there is one of this name. */
  init(stack: string, project: string): void {
    const path = this.stateOf(stack);
    if (existsSync(path)) {
      throw new CliError(`stack 'organization/${project}/${shortName(stack)}' already exists`, 1);
    }
    write(path, empty);
  }

  /** The stack that commands are for which name none; the CLI keeps it in PULUMI_HOME. */
  get selected(): string | undefined {
    return read(this.#selection) as string | undefined;
  }

  select(stack: string): void {
    this.check(stack);
    write(this.#selection, shortName(stack));
  }

  /** As `stack ls --json` prints them. */
  stacks(): { name: string; current: boolean; lastUpdate: string; resourceCount: number }[] {
    const folder = join(this.#folder, ".standin");
    const names = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith(".json")) : [];
    return names.sort().map((file) => {
      const { resources } = read(join(folder, file)) as typeof empty;
      const name = file.replace(/\.json$/, "");
      const lastUpdate = statSync(join(folder, file)).mtime.toISOString();
      return { name, current: name === this.selected, lastUpdate, resourceCount: resources.length };
    });
  }

  /** The newest first. */
  history(stack: string): HistoryEntry[] {
    this.check(stack);
    return (read(this.#historyOf(stack)) ?? []) as HistoryEntry[];
  }

  addHistory(stack: string, entry: HistoryEntry): void {
    write(this.#historyOf(stack), [entry, ...this.history(stack)]);
  }

  whoAmI(): { user: string; url: string } {
    return { user: userInfo().username, url: this.url };
  }

  get #selection(): string {
    return join(this.#folder, "selected.json");
  }

  #historyOf(stack: string): string {
    return join(this.#folder, "history", `${shortName(stack)}.json`);
  }
}

/** The name that files have. */
export function shortName(stack: string): string {
  return stack.split("/").at(-1) ?? "";
}

function read(path: string): unknown {
  return existsSync(path) ? (JSON.parse(readFileSync(path, "utf8")) as unknown) : undefined;
}

function write(path: string, value: unknown): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  writeFileSync(path, JSON.stringify(value, undefined, 1), privateFile);
}
