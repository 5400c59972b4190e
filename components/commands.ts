import { join, relative } from "node:path";
import type * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";

/** A cluster, as the Kubernetes provider takes it. */
export interface ClusterAccess {
  /** Path or content of a kubeconfig. Default: `KUBECONFIG`, then `~/.kube/config`. */
  kubeconfig?: pulumi.Input<string>;
  /** Context in the kubeconfig. Default: its current one. */
  context?: pulumi.Input<string>;
}

/** What the component's own commands have to know. */
export interface CommandContext {
  readonly cluster: ClusterAccess;
  /** What a restart or a changed pod makes different. */
  readonly triggers: pulumi.Output<string[]>;
}

/** Removes the pods that a Rolling DaemonSet leaves behind. Does nothing until it is deleted itself. */
export function orphansCommand({ cluster, triggers }: CommandContext): command.local.CommandArgs {
  // As with every child, a mistake in the arguments has to keep it from being registered.
  return { ...run("orphans.ts", cluster), delete: triggers.apply(() => "--all") };
}

/**
 * Keeps the objects as they are, before anything is changed that a restart or a rollout cannot give back.
 *
 * @param folder - where to; the command's default when there is none
 */
export function snapshotCommand(
  { cluster, triggers }: CommandContext,
  folder: pulumi.Input<string> | undefined,
): command.local.CommandArgs {
  const where = folder === undefined ? [] : [pulumi.interpolate`--folder=${folder}`];
  return { ...run("snapshot.ts", cluster, where), create: "--if-any", triggers };
}

/**
 * Proves after a change that every node's kube-proxy is of the new revision and has synced its rules since it started.
 *
 * @param token - the restart token that the pods have to carry
 * @param deadline - when to give up, as a Go duration
 */
export function verifyCommand(
  { cluster, triggers }: CommandContext,
  token: pulumi.Input<string>,
  deadline: string,
): command.local.CommandArgs {
  // A new cluster has no Ready node until its network is there, and its network needs kube-proxy.
  const expected = [pulumi.interpolate`--token=${token}`, "--at-least=0"];
  return { ...run("verify.ts", cluster, expected), create: `--deadline=${deadline}`, triggers };
}

/** A command of this repository. Its arguments go to it as they are: no shell reads them. */
function run(
  script: string,
  { kubeconfig, context }: ClusterAccess,
  args: pulumi.Input<string>[] = [],
): command.local.CommandArgs {
  return {
    // Relative, so that the state holds no path of one machine.
    interpreter: [
      "node",
      relative(process.cwd(), join(import.meta.dirname, "..", "commands", script)),
      ...args,
    ],
    // Not as arguments: a kubeconfig can be a secret, and every process of a machine sees another one's arguments.
    environment: {
      ...(kubeconfig !== undefined && { KUBE_PROXY_KUBECONFIG: kubeconfig }),
      ...(context !== undefined && { KUBE_PROXY_CONTEXT: context }),
    },
    addPreviousOutputInEnv: false,
  };
}
