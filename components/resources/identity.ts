import { randomUUID } from "node:crypto";
import * as pulumi from "@pulumi/pulumi";
import type { ClusterFacts } from "../facts/facts.ts";
import { ProblemsError } from "../input/problems.ts";
import { ownerAnnotation } from "../restart/restart.ts";
import { localCommand } from "./command.ts";
import { isKnown } from "./known.ts";

/** What a stack knows of itself since its first `up`, however it or its kubeconfig is named by now. */
export interface Identity {
  /** UID of its cluster's namespace kube-system. */
  readonly cluster: string;
  /** Who owns its objects, see `ownerAnnotation`. */
  readonly owner: string;
}

/** The stack's identity, and the resource by which its state keeps it. */
export interface RecordedIdentity extends Identity {
  /** What talks to the cluster has to depend on it, so that it is deleted last. */
  readonly record: pulumi.Resource;
}

const [clusterKey, ownerKey] = ["KUBE_PROXY_CLUSTER_ID", "KUBE_PROXY_OWNER"];

/**
 * Gives the identity of the stack as its state has it, or records that of this cluster where the state has none yet.
 *
 * The record is a command that runs nothing and whose inputs the engine is told never to change: the only place in the
 * state that a program can read before it has registered anything else. To be awaited before what talks to the cluster is
 * registered, the provider included: a destroy goes by the provider that the state has.
 *
 * @param name - of the record
 * @param options - of the record beside its own
 * @param make - makes it
 * @throws RunError, which Pulumi prints without a stack trace, for another cluster than the stack's
 */
export async function recordIdentity(
  name: string,
  facts: ClusterFacts,
  options: pulumi.CustomResourceOptions = {},
  make = localCommand,
): Promise<RecordedIdentity> {
  const uid = facts.namespace?.uid ?? "";
  const environment = { [clusterKey]: uid, [ownerKey]: newOwner(facts) };
  const record = make(name, { environment }, { ...options, ignoreChanges: ["environment"] });
  const { [clusterKey]: cluster = uid, [ownerKey]: owner = "" } =
    (await known(record.environment)) ?? environment;
  if (cluster !== uid) {
    throw new pulumi.RunError(otherCluster(cluster, uid, facts).message);
  }
  return { cluster, owner, record };
}

/**
 * Who owns the objects of a stack that has no identity yet: its name for people, and what no other stack has, since
 * another one can get the same name. Stacks of the first days have nothing but their name.
 */
function newOwner({ daemonSets }: ClusterFacts): string {
  const name = stackName();
  const isOfFirstDays = daemonSets.some(({ annotations }) => annotations[ownerAnnotation] === name);
  return isOfFirstDays ? name : `${name}/${randomUUID().slice(0, 8)}`;
}

/** Organization, project and stack: who owns the objects unless it is said otherwise. */
export function stackName(): string {
  return `${pulumi.getOrganization()}/${pulumi.getProject()}/${pulumi.getStack()}`;
}

/** The value of an output; undefined where only the update will know it. */
async function known<T>(output: pulumi.Output<T>): Promise<T | undefined> {
  return (await isKnown(output)) ? new Promise((resolve) => output.apply(resolve)) : undefined;
}

function otherCluster(recorded: string, found: string, { context, server = "" }: ClusterFacts): Error {
  return new ProblemsError("the choice of the cluster; nothing was changed", [
    {
      path: "context",
      value: context,
      accepted:
        `the stack's own cluster, whose namespace kube-system has UID ${recorded}; at ${server} it has UID ${found}. ` +
        "Choose the other one by context or kubeconfig; to move the stack to this one on purpose, see docs/clusters.md",
    },
  ]);
}
