/** Pulumi's Automation API: everything that is done to stacks. */
import { delimiter, dirname } from "node:path";
import {
  CommandError,
  type EngineEvent,
  LocalWorkspace,
  PulumiCommand,
  Stack,
} from "@pulumi/pulumi/automation/index.js";
import { type Problem, ProblemsError } from "../components/input/problems.ts";
import type { Goal, LastUpdate } from "./already.ts";
import type { Engine } from "./run.ts";

/** What is done to each stack. */
export type Operation = "preview" | "up";

/** So many stacks' histories are read at a time. */
const readAtOnce = 8;

/** A Pulumi program with its stacks. */
export class Automation implements Engine {
  readonly #workspace: LocalWorkspace;
  readonly #operation: Operation;
  readonly #goal: Goal;
  /** Name of the project. */
  readonly project: string;

  private constructor(workspace: LocalWorkspace, project: string, operation: Operation, goal: Goal) {
    this.#workspace = workspace;
    this.project = project;
    this.#operation = operation;
    this.#goal = goal;
  }

  /**
   * Opens the program.
   *
   * @param program - path of the folder with its Pulumi.yaml
   * @throws ProblemsError where there is none, or no Pulumi CLI on PATH
   */
  static async open(program: string, operation: Operation, goal: Goal): Promise<Automation> {
    process.env["PATH"] = withoutNpm(process.env["PATH"] ?? "");
    const pulumiCommand = await PulumiCommand.get().catch((error: unknown) => {
      const accepted = `the Pulumi CLI, which is not usable (${reasonsIn(error).join("; ")}); install it, see https://www.pulumi.com/docs/install/`;
      throw new ProblemsError("the environment", [{ path: "PATH", accepted }]);
    });
    try {
      const workspace = await LocalWorkspace.create({ workDir: program, pulumiCommand });
      // `pulumi stack select` would change what the user's next `pulumi up` in that folder is for; every command names its stack.
      workspace.selectStack = () => Promise.resolve();
      const { name } = await workspace.projectSettings();
      return new Automation(workspace, name, operation, goal);
    } catch (error) {
      const accepted = `a folder with a Pulumi.yaml: ${reasonsIn(error).join("; ")}`;
      throw new ProblemsError("the fleet", [{ path: "program", value: program, accepted }]);
    }
  }

  /**
   * Refuses stacks that are not there.
   *
   * @throws ProblemsError naming all of them, or why Pulumi does not tell
   */
  async check(stacks: readonly string[]): Promise<void> {
    const known = await this.#workspace.listStacks().catch((error: unknown) => {
      throw new ProblemsError("the stacks", [
        { path: "pulumi stack ls", accepted: reasonsIn(error).join("; ") },
      ]);
    });
    // What Pulumi leaves out of a name depends on the backend.
    const names = new Set(known.map(({ name }) => shortName(name)));
    const problems: Problem[] = stacks
      .filter((stack) => !names.has(shortName(stack)))
      .map((value) => {
        return {
          path: "stacks",
          value,
          accepted: `a stack of project ${this.project}: pulumi stack init ${value}`,
        };
      });
    if (problems.length > 0) throw new ProblemsError("the fleet", problems);
  }

  /**
   * Pulumi's record of the last update of each stack; of one that was never updated there is none.
   *
   * @throws ProblemsError when a history cannot be read
   */
  async lastUpdates(stacks: readonly string[]): Promise<Map<string, LastUpdate>> {
    const found = new Map<string, LastUpdate>();
    const left = stacks.values();
    const read = async (): Promise<void> => {
      for (const name of left) {
        const stack = await Stack.select(name, this.#workspace);
        const last = await stack.info(false);
        if (last !== undefined) found.set(name, last);
      }
    };
    try {
      await Promise.all(Array.from({ length: readAtOnce }, read));
    } catch (error) {
      throw new ProblemsError("the stacks", [
        { path: "pulumi stack history", accepted: reasonsIn(error).join("; ") },
      ]);
    }
    return found;
  }

  async run(
    name: string,
    onEvent: (event: EngineEvent) => void,
    cancellation: AbortSignal,
  ): Promise<readonly string[] | undefined> {
    const { token, message } = this.#goal;
    // The Automation API leaves its listener on the signal, with all that the process printed: so each has its own. It does
    // not look whether it was aborted before the process began: so that is waited for.
    const own = new AbortController();
    let hasBegun = false;
    const cancel = (): void => {
      if (hasBegun && cancellation.aborted) own.abort();
    };
    const onOutput = (): void => {
      hasBegun = true;
      cancel();
    };
    cancellation.addEventListener("abort", cancel);
    const common = { onEvent, onOutput, signal: own.signal, color: "never" } as const;
    const options = { ...common, ...(message !== undefined && { message }) };
    try {
      const stack = await Stack.select(name, this.#workspace);
      if (this.#operation === "preview") await stack.preview(options);
      else {
        if (token !== undefined) await stack.setConfig("restart", { value: token });
        await stack.up(options);
      }
      return undefined;
    } catch (error) {
      return reasonsIn(error);
    } finally {
      cancellation.removeEventListener("abort", cancel);
    }
  }
}

/**
 * The folders of PATH without npm's own, where the npm package `pulumi` stands for the CLI: the user's is meant. The program
 * is to run with the Node.js that runs this.
 */
function withoutNpm(path: string): string {
  const folders = path
    .split(delimiter)
    .filter((folder) => !/[\\/]node_modules[\\/]\.bin[\\/]?$/.test(folder));
  return [dirname(process.execPath), ...folders].join(delimiter);
}

function shortName(stack: string): string {
  return stack.split("/").at(-1) ?? "";
}

/** What Pulumi printed as errors; where it is nothing, the first line of what happened. */
function reasonsIn(error: unknown): string[] {
  const lines = (error instanceof Error ? error.message : String(error)).split("\n");
  const said = lines.map((line) => /^\s*(?:stderr: )?error: (.+)/.exec(line)?.[1] ?? "").filter(Boolean);
  const [first = ""] = lines
    .map((line) => line.replace(/^code: .*|^ *stdout: *$/, "").trim())
    .filter(Boolean);
  return said.length > 0
    ? [...new Set(said)]
    : [error instanceof CommandError ? first.replace(/^stderr: /, "") : first];
}
