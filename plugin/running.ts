/** Runs the commands of the component where Pulumi creates, updates and deletes them. */
import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import type { CreateResult, UpdateResult } from "@pulumi/pulumi/provider/index.js";
import { isRpcSecret, specialSecretSig, specialSigKey, unwrapRpcSecret } from "@pulumi/pulumi/runtime/rpc.js";
import { compileCache } from "../components/facts/compileCache.ts";
import { scriptOf } from "../components/facts/script.ts";
import { printableLines } from "../components/input/printable.ts";
import { nodeOptions } from "../components/resources/command.ts";

/** A command's properties without their secrets' envelopes, see `CommandArgs`. */
interface Props {
  readonly script?: string;
  readonly arguments?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly create?: string;
  readonly update?: string;
  readonly delete?: string;
  readonly stdin?: string;
  readonly triggers?: readonly unknown[];
}

/**
 * Whether there is something to run now, or something else to run when it is deleted. All the rest is what a run would be told,
 * and stays as it is until there is one.
 */
export function changed(olds: object, news: object): boolean {
  const [before, after] = [bare(olds) as Props, bare(news) as Props];
  const keys: (keyof Props)[] = ["triggers", ...atWork(before), ...atWork(after)];
  return keys.some((key) => !isDeepStrictEqual(before[key], after[key]));
}

/** What of a command is at work after it was made: in an update of what has one, and in the end. */
function atWork({ update, delete: end }: Props): (keyof Props)[] {
  return [
    ...(update === undefined ? [] : (["update", "stdin"] as const)),
    ...(end === undefined ? [] : (["delete", "environment", "stdin"] as const)),
  ];
}

/** The processes that run. */
export class Running {
  readonly #children = new Set<ChildProcess>();

  async create(inputs: object): Promise<CreateResult> {
    return { id: randomUUID(), outs: await this.#outs(inputs, (bare(inputs) as Props).create) };
  }

  async update(olds: object, news: object): Promise<UpdateResult> {
    const { update } = bare(news) as Props;
    const { stdout } = olds as { stdout?: unknown };
    return { outs: update === undefined ? { ...news, stdout } : await this.#outs(news, update) };
  }

  /** @param props - as the state has them, whatever the program says now */
  async delete(props: object): Promise<void> {
    await this.#run(bare(props) as Props, (bare(props) as Props).delete);
  }

  end(): void {
    for (const child of this.#children) child.kill();
  }

  async #outs(inputs: object, operation: string | undefined): Promise<object> {
    const stdout = await this.#run(bare(inputs) as Props, operation);
    // What is printed may show what came in.
    const isSecret = Object.values(inputs).some(hasSecret);
    return { ...inputs, stdout: isSecret ? { [specialSigKey]: specialSecretSig, value: stdout } : stdout };
  }

  /** @returns what it prints */
  async #run(
    { script, arguments: args = [], environment, stdin = "" }: Props,
    operation: string | undefined,
  ): Promise<string> {
    if (script === undefined || operation === undefined) return "";
    const env = { ...process.env, NODE_COMPILE_CACHE: compileCache, ...environment };
    const child = spawn(process.execPath, [...nodeOptions, scriptOf(script), ...args, operation], { env });
    this.#children.add(child);
    const text = { stdout: "", both: "" };
    for (const name of ["stdout", "stderr"] as const) {
      child[name].setEncoding("utf8").on("data", (part: string) => {
        if (name === "stdout") text.stdout += part;
        text.both += part;
        // The engine shows what a plugin prints.
        process.stderr.write(part);
      });
    }
    // A command that does not read its input may be gone before it is written.
    child.stdin.on("error", () => undefined).end(stdin);
    try {
      const failure = await new Promise<string | undefined>((resolve, reject) => {
        child.once("error", reject);
        child.once("close", (code, signal) => {
          resolve(code === 0 ? undefined : (signal ?? `exit status ${String(code)}`));
        });
      });
      if (failure !== undefined) {
        throw withoutStack(
          `${failure}: running ${JSON.stringify(operation)}:\n${printableLines(text.both.split("\n"))}`,
        );
      }
      return text.stdout.replace(/\n$/, "");
    } finally {
      this.#children.delete(child);
    }
  }
}

/** Pulumi's provider server prints the stack of whatever keeps a resource from being deleted. */
function withoutStack(message: string): Error {
  const error = new Error(message);
  error.stack = "";
  return error;
}

/** A value without the envelopes of the secrets in it. */
function bare(value: unknown): unknown {
  if (isRpcSecret(value)) return bare(unwrapRpcSecret(value));
  if (Array.isArray(value)) return value.map(bare);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, bare(item)]));
}

function hasSecret(value: unknown): boolean {
  if (isRpcSecret(value)) return true;
  return typeof value === "object" && value !== null && Object.values(value).some(hasSecret);
}
