/** Pulumi: the command lines of this repository that an update runs, as resources. */
import { relative } from "node:path";
import * as command from "@pulumi/command";
import type * as pulumi from "@pulumi/pulumi";
import { compileCache } from "../facts/compileCache.ts";
import { scriptOf } from "../facts/script.ts";

/**
 * What a command does, and when. Its triggers alone run it again: how the cluster is reached, for one, may change without a
 * reason to do anything.
 */
export interface CommandArgs {
  /** The module of `commands` that is run, without its extension; undefined for what runs nothing. */
  readonly script?: string;
  /** What it is told. No shell reads it. */
  readonly arguments?: readonly pulumi.Input<string>[];
  /** Its environment beside the engine's own. */
  readonly environment: Readonly<Record<string, pulumi.Input<string>>>;
  /**
   * What is done when the resource is made, or one of its triggers is another one: the script's last argument, and what Pulumi
   * prints of a command that fails, `running "verify"`. Undefined for nothing.
   */
  readonly create?: pulumi.Input<string>;
  /** What is done when anything else of it is changed. */
  readonly update?: pulumi.Input<string>;
  /** What is done when the resource is deleted. */
  readonly delete?: pulumi.Input<string>;
  /** What the script reads. */
  readonly stdin?: pulumi.Input<string>;
  readonly triggers?: pulumi.Input<string[]>;
}

/** A command as a resource. */
export interface CommandResource extends pulumi.CustomResource {
  /** What it printed when it was made. */
  readonly stdout: pulumi.Output<string>;
  readonly environment: pulumi.Output<Record<string, string> | undefined>;
}

/** Makes the resource of a command. */
export type MakeCommand = (
  name: string,
  args: CommandArgs,
  options: pulumi.CustomResourceOptions,
) => CommandResource;

/** By which a command is run again; those of either way to make one. */
export const commandInputs = [
  "interpreter",
  "arguments",
  "create",
  "update",
  "environment",
  "triggers",
] as const;

/** How Node.js runs a script. MiB and per cent: what a proof reads of a large cluster is far more than it keeps, and would else be let pile up. */
export const nodeOptions = ["--max-semi-space-size=2", "--heap-growing-percent=50"] as const;

/** A command that Pulumi's own `local.Command` runs, by a path below the program's folder: the state has none of a machine. */
export const localCommand: MakeCommand = (name, { script, arguments: args = [], ...others }, options) => {
  const { create, update, environment, triggers, ...operations } = others;
  return new command.local.Command(
    name,
    {
      ...operations,
      ...(script !== undefined && {
        interpreter: ["node", ...nodeOptions, relative(process.cwd(), scriptOf(script)), ...args],
      }),
      environment: {
        ...(script !== undefined && { NODE_COMPILE_CACHE: relative(process.cwd(), compileCache) }),
        ...environment,
      },
      ...(triggers !== undefined && { triggers }),
      // Without an update it would be created again.
      ...(create !== undefined && { create, update: update ?? "do-nothing" }),
      addPreviousOutputInEnv: false,
    },
    options,
  );
};
