import * as pulumi from "@pulumi/pulumi";
import type { ClusterAccess, KubeProxyArgs } from "../args.ts";
import { repairAnnotation } from "../plan/drift.ts";
import { type LeavingIpvs, OnDeadline } from "../plan/leaving.ts";
import { wantedMode } from "../plan/modes.ts";
import { SnapshotIn } from "../plan/snapshotIn.ts";
import { layoutAnnotation, type Wave } from "../pools/waves.ts";
import { restartAnnotation, templateHashAnnotation } from "../restart/restart.ts";
import type { CommandArgs } from "./command.ts";

/** What tells one state of the pods from another: a new value is a restart, a rollout, or a repair. */
export function triggersOf(waves: readonly Wave[]): string[] {
  return waves.flatMap(({ daemonSet: { metadata } }) => [
    metadata.annotations?.[restartAnnotation] ?? "",
    metadata.annotations?.[templateHashAnnotation] ?? "",
    // Only where there was one, so that no other stack has anything to do.
    ...[metadata.annotations?.[repairAnnotation] ?? []].flat(),
  ]);
}

/** Removes the pods that a Rolling DaemonSet leaves behind. Does nothing until it is deleted itself. */
export function orphansCommand(cluster: ClusterAccess, waves: pulumi.Output<readonly Wave[]>): CommandArgs {
  // As with every child, a mistake in the arguments has to keep it from being registered.
  return { ...run("orphans", cluster), delete: waves.apply(() => "remove-orphans") };
}

/**
 * Stands for the rules of the waves' modes, those of ipvs among them as long as it is kept: with another mode it is replaced,
 * and the old one's end, after all else was done, removes what is left of its rules. Does nothing until then.
 *
 * @param leaving - how ipvs is left
 * @param helpers - UIDs of helpers in the cluster: what a switch that was given up has left is removed in the same way
 */
export function rulesCommand(
  cluster: ClusterAccess,
  waves: pulumi.Output<readonly Wave[]>,
  leaving: LeavingIpvs,
  helpers: string[],
): CommandArgs {
  const kept = leaving.onDeadline === OnDeadline.keep ? ["ipvs"] : [];
  const modes = waves.apply((all) => [...new Set([...all.map(wantedMode), ...kept])].sort().join());
  return { ...run("clear", cluster), delete: "clear-rules", stdin: modes, triggers: helpers };
}

/**
 * Makes room for the DaemonSets, without stopping one kube-proxy, where the cluster has others than these: pools that
 * were added, renamed, cut anew or dropped. The engine itself would delete those at the end, beside the new ones.
 *
 * @param obstacles - what the cluster has of them, so that it also runs where the stack knows nothing of them
 */
export function layoutCommand(
  cluster: ClusterAccess,
  waves: pulumi.Output<readonly Wave[]>,
  obstacles: string[],
): CommandArgs {
  const layout = waves.apply((all) =>
    all.map(({ pool, daemonSet: { metadata, spec } }) => {
      const { nodeSelector, affinity, tolerations } = spec.template.spec;
      return {
        daemonSet: metadata.name,
        pool,
        layout: metadata.annotations?.[layoutAnnotation],
        placement: { nodeSelector, affinity: { nodeAffinity: affinity?.nodeAffinity }, tolerations },
      };
    }),
  );
  return {
    ...run("layout", cluster),
    create: "layout",
    // It finds out by itself whether there is something to do.
    update: "layout",
    stdin: layout.apply((all) => JSON.stringify(all)),
    triggers: obstacles,
  };
}

/**
 * Keeps the objects as they are, before anything is changed that a restart or a rollout cannot give back.
 *
 * @param triggers - what a restart or a changed pod makes different
 * @param where - the folder, the command's default when there is none; and whether the cluster keeps it, too
 */
export function snapshotCommand(
  cluster: ClusterAccess,
  triggers: pulumi.Output<string[]>,
  { snapshotFolder, snapshotIn }: Pick<KubeProxyArgs, "snapshotFolder" | "snapshotIn">,
): CommandArgs {
  const where = [
    ...(snapshotFolder === undefined ? [] : [pulumi.interpolate`--folder=${snapshotFolder}`]),
    // Only where it is wanted, so that no other stack has anything to do.
    ...(snapshotIn === SnapshotIn.cluster ? ["--in=cluster"] : []),
  ];
  return { ...run("snapshot", cluster, ["--if-any", ...where]), create: "snapshot", triggers };
}

/**
 * Has the nodes of a DaemonSet pull its image before anything of it is changed.
 *
 * @param triggers - what a restart or a changed pod makes different
 * @param deadline - how long the image may come to no further node, as a Go duration
 */
export function pullCommand(
  cluster: ClusterAccess,
  { triggers, wave, deadline }: Pick<Proof, "triggers" | "wave" | "deadline">,
): CommandArgs {
  const wanted = wave.apply(({ daemonSet: { metadata, spec } }) =>
    JSON.stringify({ daemonSet: metadata.name, spec: spec.template.spec, deadline }),
  );
  const operations = { create: "pull-image", delete: "remove-pulls" };
  return { ...run("pull", cluster), ...operations, stdin: wanted, triggers };
}

/** Stands for the namespace of the test Services, which may have been made by somebody else. */
export function testNamespaceCommand(
  cluster: ClusterAccess,
  waves: pulumi.Output<readonly Wave[]>,
): CommandArgs {
  const make = waves.apply(() => "make-test-namespace");
  return { ...run("testNamespace", cluster), create: make, update: make, delete: "remove-test-namespace" };
}

/**
 * Makes a Service before a DaemonSet is changed, which {@link verifyCommand} asks for afterwards.
 *
 * Remembers which nodes were Ready, and looks once more at those of the waves before.
 *
 * @param triggers - what a restart or a changed pod makes different
 * @param earlier - what this command has printed before the waves before
 */
export function testServiceCommand(
  cluster: ClusterAccess,
  { triggers, wave }: Pick<Proof, "triggers" | "wave">,
  earlier: readonly pulumi.Output<string>[],
): CommandArgs {
  // Longer than any restart takes: only what was forgotten is removed after that.
  const lifetime = "--lifetime=24h";
  return {
    ...run("testService", cluster, [daemonSetOption(wave), restartOption(wave), lifetime]),
    create: "test-service",
    stdin: pulumi.all([...earlier]).apply((texts) => texts.join("\n")),
    triggers,
  };
}

/** What {@link verifyCommand} proves. */
export interface Proof {
  /** What a restart or a changed pod makes different. */
  readonly triggers: pulumi.Output<string[]>;
  /** The DaemonSet. */
  readonly wave: pulumi.Output<Wave>;
  /** When to give up, as a Go duration. */
  readonly deadline: string;
  /** What {@link testServiceCommand} has printed before the change. */
  readonly before: pulumi.Output<string>;
  /** How many nodes may fail; undefined for none. */
  readonly maxFailed: string | undefined;
  /** Folder in which the update's report is kept, to which this hands what it finds; undefined where none is made. */
  readonly reports: pulumi.Input<string> | undefined;
}

/** Proves after a change that every node's kube-proxy is of the new revision and has synced its rules since it started. */
export function verifyCommand(
  cluster: ClusterAccess,
  { triggers, wave, deadline, before, maxFailed, reports }: Proof,
): CommandArgs {
  // Pods that were taken over carry no token, and their counters count from long before.
  const pods = wave.apply(({ daemonSet: { spec } }) => {
    const token = spec.template.metadata.annotations?.[restartAnnotation];
    return token === undefined ? "--failures=any" : `--token=${token}`;
  });
  const expected = [
    daemonSetOption(wave),
    pulumi.interpolate`--test-services=${nameOf(wave)}`,
    pods,
    "--baseline=-",
    ...(maxFailed === undefined ? [] : [`--max-failed=${maxFailed}`]),
    `--deadline=${deadline}`,
  ];
  return {
    ...run("verify", cluster, expected, reports === undefined ? {} : { KUBE_PROXY_REPORTS: reports }),
    create: "verify",
    stdin: before,
    triggers,
  };
}

function nameOf(wave: pulumi.Output<Wave>): pulumi.Output<string> {
  return wave.apply(({ daemonSet: { metadata } }) => metadata.name);
}

function daemonSetOption(wave: pulumi.Output<Wave>): pulumi.Output<string> {
  return pulumi.interpolate`--daemonset=${nameOf(wave)}`;
}

/** The token that the DaemonSet is to carry: where it is another one than it carries, its pods are about to be orphaned. */
function restartOption(wave: pulumi.Output<Wave>): pulumi.Output<string> {
  return wave.apply(
    ({ daemonSet: { metadata } }) => `--restart=${metadata.annotations?.[restartAnnotation] ?? ""}`,
  );
}

/**
 * Restarts kube-proxy on some nodes alone, and proves it.
 *
 * @param nodes - their names
 * @param token - with a new one the same nodes are restarted again
 * @param deadline - when to give up, as a Go duration
 */
export function restartNodesCommand(
  cluster: ClusterAccess,
  nodes: readonly string[],
  token: string,
  deadline: string,
): CommandArgs {
  return {
    ...run("restartNodes", cluster, [`--nodes=${nodes.join(",")}`, `--deadline=${deadline}`]),
    create: "restart-nodes",
    triggers: [token, ...nodes],
  };
}

/**
 * Refuses the destroy of a stack at another cluster: it depends on all the others, so that the engine deletes it first, and
 * where that fails nothing of what it depends on. Does nothing until then.
 */
export function sealCommand(cluster: ClusterAccess): CommandArgs {
  return { ...run("seal", cluster), delete: "compare-cluster" };
}

/**
 * A command of this repository. What is deleted is deleted by what the state has: a name that was once released stays known to
 * its script.
 */
function run(
  script: string,
  { kubeconfig, context, id }: ClusterAccess,
  args: pulumi.Input<string>[] = [],
  environment: Readonly<Record<string, pulumi.Input<string>>> = {},
): CommandArgs {
  return {
    script,
    arguments: args,
    // Not as arguments: a kubeconfig can be a secret, and every process of a machine sees another one's arguments.
    environment: {
      ...(kubeconfig !== undefined && { KUBE_PROXY_KUBECONFIG: kubeconfig }),
      ...(context !== undefined && { KUBE_PROXY_CONTEXT: context }),
      ...(id !== undefined && { KUBE_PROXY_CLUSTER_ID: id }),
      ...environment,
    },
  };
}
