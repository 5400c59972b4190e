/**
 * `command:local:Command`.
 *
 * Source: pulumi-command v1.2.1, `provider/pkg/provider/local`.
 */
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";

import type { Goal, Resource } from "./plan.ts";
import type { Made, Provider } from "./provider.ts";
import { type Path, plain, type Props } from "./values.ts";

interface CommandProps {
  create?: string;
  update?: string;
  delete?: string;
  interpreter?: string[];
  environment?: Record<string, string>;
  stdin?: string;
  dir?: string;
  addPreviousOutputInEnv?: boolean;
  logging?: "stdout" | "stderr" | "stdoutAndStderr" | "none";
  stdout?: string;
  stderr?: string;
}

/** Makes commands. They change only with their inputs, so there is no `read`. */
export class Command implements Provider {
  readonly #log: (line: string) => void;

  constructor(log: (line: string) => void) {
    this.#log = log;
  }

  forceNew({ inputs }: Goal): Path[] {
    const unknown = ["archivePaths", "assetPaths"].filter((key) => key in inputs);
    if (unknown.length > 0)
      throw new Error(`the stand-in does not know command property ${unknown.join(", ")}`);
    return [["triggers"]];
  }

  /** Standard output and error stay unknown. */
  preview({ inputs }: Goal): Props {
    return plain(inputs);
  }

  async create({ inputs }: Goal, signal: AbortSignal): Promise<Made> {
    const props = plain(inputs) as CommandProps;
    const id = randomBytes(8).toString("hex");
    return { id, outputs: { ...props, ...(await this.#run(props.create, props, {}, signal)) } };
  }

  async update({ inputs }: Goal, old: Resource, signal: AbortSignal): Promise<Made> {
    const props = plain(inputs) as CommandProps;
    const previous = plain(old.outputs) as CommandProps;
    const outputs = await this.#run(props.update ?? props.create, props, previous, signal);
    return { id: old.id, outputs: { ...props, ...outputs } };
  }

  /** Runs with what the state holds, not with what the program says now. */
  async delete({ inputs, outputs }: Resource, signal: AbortSignal): Promise<void> {
    const props = plain(inputs) as CommandProps;
    await this.#run(props.delete, props, plain(outputs), signal);
  }

  async #run(
    command: string | undefined,
    { interpreter = [], environment, stdin, dir, addPreviousOutputInEnv = true, logging }: CommandProps,
    previous: CommandProps,
    signal: AbortSignal,
  ): Promise<{ stdout: string; stderr: string }> {
    const { stdout = "", stderr = "" } = previous;
    if (command === undefined) return { stdout, stderr };
    const argv = [...(interpreter.length > 0 ? interpreter : ["/bin/sh", "-c"]), command];
    const before = {
      ...(stdout && { PULUMI_COMMAND_STDOUT: stdout }),
      ...(stderr && { PULUMI_COMMAND_STDERR: stderr }),
    };
    const env = { ...process.env, ...environment, ...(addPreviousOutputInEnv ? before : {}) };
    const child = spawn(argv[0] ?? "", argv.slice(1), { env, cwd: dir, signal });
    const text = { stdout: "", stderr: "", both: "" };
    const listen = (name: "stdout" | "stderr"): void => {
      child[name].setEncoding("utf8").on("data", (chunk: string) => {
        text[name] += chunk;
        text.both += chunk;
        const wanted = logging ?? "stdoutAndStderr";
        if (wanted === name || wanted === "stdoutAndStderr") this.#log(chunk.trimEnd());
      });
    };
    listen("stdout");
    listen("stderr");
    // A command that does not read its input may be gone before it is written.
    child.stdin.on("error", () => undefined).end(stdin);
    const { promise, resolve, reject } = Promise.withResolvers<string | undefined>();
    child.on("error", reject).on("close", (code, name) => {
      resolve(code === 0 ? undefined : name === null ? `exit status ${String(code)}` : `signal: ${name}`);
    });
    const failure = await promise;
    if (failure !== undefined)
      throw new Error(`${failure}: running ${JSON.stringify(command)}:\n${text.both}`);
    return { stdout: text.stdout.replace(/\n$/, ""), stderr: text.stderr.replace(/\n$/, "") };
  }
}
