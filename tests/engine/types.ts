/** How tests, `npm start` and the bench run the Pulumi program, whichever engine does it. */

/** Something that runs Pulumi programs. */
export interface Engine {
  /** `cli`: the real Pulumi CLI. `standin`: tests/engine/standin. */
  readonly kind: "cli" | "standin";
  /** One line for the user: which engine this is, and why. */
  readonly description: string;
  /**
   * Prepares a stack, new or left there by an earlier run.
   *
   * @throws Error when the folder cannot be written or the engine refuses the stack.
   */
  open(options: StackOptions): Promise<Stack>;
}

/** Where a stack lives and what it runs. */
export interface StackOptions {
  /** Name of the stack, for example `dev`. */
  stack: string;
  /** Folder that holds state, stack config and passphrase; made with mode 0700. The caller's. */
  workDir: string;
  /** Folder with Pulumi.yaml. Nothing is written there. */
  projectDir: string;
  /** Stack config; a key without a colon belongs to the project. See {@link Secret}. */
  config: Readonly<Record<string, unknown>>;
  /** Environment for the program, on top of this process's without its `PULUMI_*`. */
  env?: Readonly<Record<string, string>>;
  /** Takes every line of the engine's output as it comes. */
  log?: (line: string) => void;
}

/** A stack; one operation at a time. Every operation is a process of its own. */
export interface Stack {
  /** What `up` would do. Changes nothing. */
  preview(): Promise<Result>;
  /**
   * Makes the cluster what the program says.
   *
   * @param replace - URN of a resource that is replaced, whatever the program says: `--replace`
   */
  up(replace?: string): Promise<Result>;
  /** Deletes all that the stack owns. */
  destroy(): Promise<Result>;
  /** Starts `up` and returns at once. */
  startUp(): Running;
  /** Changes stack config; undefined removes a key. */
  setConfig(changes: Readonly<Record<string, unknown>>): Promise<void>;
  /**
   * Removes the lock that a killed engine left: `pulumi cancel --yes`.
   *
   * @throws Error with the engine's output when it fails.
   */
  cancel(): Promise<void>;
  /** Gives the stack another name: `pulumi stack rename`. */
  rename(name: string): Promise<void>;
  /** Puts the state's resources in the place of what it has: `pulumi stack export` and `import`. */
  editState(edit: (resources: StateResource[]) => StateResource[]): Promise<void>;
  /** Kills what still runs. State and config stay: the folder is the caller's. */
  dispose(): Promise<void>;
}

/** A resource in a stack's state, as far as both engines write it in the same way. */
export interface StateResource {
  urn: string;
  type: string;
  inputs?: Record<string, unknown>;
  outputs?: Record<string, unknown>;
  dependencies?: string[] | null;
}

/** An operation under way. */
export interface Running {
  readonly pid: number;
  /** Settles when the process has ended, whatever the outcome; does not reject. */
  readonly done: Promise<Result>;
  /** Calls back when a step starts and again when it ends, at most 50 ms late. */
  onStep(callback: (step: Step) => void): void;
  /** `kill -9` of the engine and every process under it, by pid. */
  kill(): void;
}

/** What an operation did. */
export interface Result {
  /** Whether the exit code is 0. */
  ok: boolean;
  /** Exit code; 128 plus the signal's number when a signal ended the engine. */
  exitCode: number;
  /** In the order in which they started. */
  steps: Step[];
  /** The stack's outputs; `[secret]` for a secret, `[unknown]` for what a preview cannot know. */
  outputs: Record<string, unknown>;
  /** What the user saw, standard output and error. */
  output: string;
  /** From the start of the process to its end, in milliseconds. */
  durationMs: number;
  /** From the start of the process until the program's modules had run; stand-in only. */
  programMs?: number;
}

/** Pulumi's names of what an engine does to a resource (apitype `OpType`). */
export type Op =
  | "same"
  | "create"
  | "update"
  | "delete"
  | "replace"
  | "create-replacement"
  | "delete-replaced"
  | "import"
  | "read"
  | "read-replacement"
  | "discard"
  | "discard-replaced"
  | "import-replacement";

/** One thing an engine did, or is doing, to one resource. */
export interface Step {
  op: Op;
  /** Type token, for example `kubernetes:apps/v1:DaemonSet`. */
  type: string;
  /** The resource's name in the program. */
  name: string;
  urn: string;
  /** `started` in a finished {@link Result} means: the engine was killed meanwhile. */
  status: "started" | "done" | "failed";
  /** Property paths that differ, such as `metadata.annotations["a.b/c"]`. */
  diff?: string[];
}
