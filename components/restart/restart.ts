import { createHash } from "node:crypto";
import { configHash } from "../kubeadm/manifests.ts";
import type { ContainerEnvVar, DaemonSet } from "../kubeadm/objects.ts";
import { layoutAnnotation, type Wave } from "../pools/waves.ts";

/** Annotation that holds the restart token, on the DaemonSet and on its pods. */
export const restartAnnotation = "kube-proxy/restart";

/** Annotation on the DaemonSet and its pods that holds the hash of the configuration they were started with. */
export const configHashAnnotation = "kube-proxy/config-hash";

/** Annotation on the DaemonSet with a hash of its pod template: where it differs, pods are replaced. */
export const templateHashAnnotation = "kube-proxy/template-hash";

/**
 * Annotation on the DaemonSet with the Pulumi stack that has made it or taken it over: the name that the stack had then,
 * with what no other stack has behind it, see `recordIdentity`.
 */
export const ownerAnnotation = "kube-proxy/owner";

/** Says of a kube-proxy that this program has made that it is no other stack's: with `adopt` it is then taken back. */
export const reclaimCommand = `kubectl -n kube-system annotate daemonset -l k8s-app=kube-proxy ${ownerAnnotation}-`;

/** Whether a DaemonSet with these annotations is one that this program has made, and that is said to be no stack's. */
export function isUnclaimed(annotations: Readonly<Record<string, string>>): boolean {
  return restartAnnotation in annotations && !(ownerAnnotation in annotations);
}

/**
 * Annotations on the DaemonSet that trace its latest restart, or the first `up`: who and when (ISO 8601); and which image
 * its pods run. The token says why, {@link configHashAnnotation} with which configuration.
 */
export const traceAnnotations = {
  by: "kube-proxy/restarted-by",
  at: "kube-proxy/restarted-at",
  image: "kube-proxy/image",
} as const;

/** Annotation on the pod template by which `kubectl rollout restart` restarts pods: when, in RFC 3339. */
export const kubectlRestart = "kubectl.kubernetes.io/restartedAt";

/** The token of a kube-proxy that was never restarted. */
export const initialToken = "initial";

/** What a restart token may be, for an error. */
export const acceptedToken = "one line of text, 1 to 256 characters, such as 2026-11-23 or lost-rules-node-7";

/** Whether a text can be a restart token. */
export function isToken(token: string): boolean {
  return token.trim() !== "" && token.length <= 256 && !/\p{Cc}/u.test(token);
}

/** How a restart takes the old pods down. The DaemonSet object is replaced either way. */
export const RestartStrategy = {
  /**
   * Node by node: the pods outlive the old DaemonSet, the new one adopts them and replaces them within
   * `updateStrategy`.
   */
  Rolling: "Rolling",
  /** All at once: the pods go with the old DaemonSet, and the new one makes others. */
  Recreate: "Recreate",
} as const;
export type RestartStrategy = (typeof RestartStrategy)[keyof typeof RestartStrategy];

/** Nodes without a running kube-proxy at a time under `Rolling`, when `updateStrategy` says nothing. */
export const rollingBounds = { rollingUpdate: { maxUnavailable: "10%" } } as const;

/** What the API server calls a pod template's number: it gives the DaemonSet one, and the pods take it as a label. */
export const templateGenerationAnnotation = "deprecated.daemonset.template.generation";

/** Annotation by which Pulumi's Kubernetes provider leaves the pods when it deletes the DaemonSet. */
export const deletionPolicyAnnotation = "pulumi.com/deletionPropagationPolicy";

/** Whether a DaemonSet with these annotations leaves its pods when Pulumi's Kubernetes provider deletes it. */
export function leavesPods(annotations: Readonly<Record<string, string>>): boolean {
  return annotations[deletionPolicyAnnotation] === "orphan";
}

/** What a restart writes on the DaemonSet. */
export interface Restart {
  readonly token: string;
  readonly strategy: RestartStrategy;
  /** Who restarts: `user@host`, or the URL of a CI run. */
  readonly by: string;
  /** When, ISO 8601. */
  readonly at: string;
  /** The Pulumi stack, `organization/project/stack`; undefined where there is none. */
  readonly owner: string | undefined;
}

/**
 * A wave as this program owns it: with the annotations that make a restart.
 *
 * - The DaemonSet carries the restart token from its first day on. Were it added by the first restart, Pulumi would
 *   see a new `annotations` map, which a `replaceOnChanges` path for one key does not match, and nothing would restart.
 * - The pods carry it too, so that `kubectl get pods` tells which restart they belong to.
 * - The pods carry the configuration's hash: kube-proxy reads its ConfigMap only once, when it starts, so that a
 *   changed configuration has to change the pods.
 * - `fieldRef` names its API version, which the API server would default: without it an import conflicts with the
 *   field manager `kubeadm`.
 * - `Rolling` says so to the provider from the first day on, too: a deletion goes by what the state has of the old
 *   DaemonSet, not by what the program says now.
 * - The pod template is numbered, see {@link templateGeneration}; under `Recreate` as well, since pods also change
 *   hands when pools do.
 *
 * @param adopted - annotations of the live pod template where its pods are those that somebody else has made: then it
 *   stays as it was, and what says which restart and configuration the pods belong to joins it with the first change that
 *   restarts them
 */
export function withRestart(
  wave: Wave,
  { token, strategy, by, at, owner }: Restart,
  adopted?: Readonly<Record<string, string>>,
): Wave {
  const template = adopted === undefined ? restartedTemplate(wave, token) : bareTemplate(wave);
  const hash = templateHash(template);
  const { metadata, spec } = wave.daemonSet;
  const annotations = {
    ...metadata.annotations,
    [restartAnnotation]: token,
    ...(owner !== undefined && { [ownerAnnotation]: owner }),
    [configHashAnnotation]: configHash(wave.configMap.data),
    [templateHashAnnotation]: hash,
    [templateGenerationAnnotation]: templateGeneration(hash),
    [traceAnnotations.by]: by,
    [traceAnnotations.at]: at,
    [traceAnnotations.image]: template.spec.containers[0].image,
    ...(strategy === RestartStrategy.Rolling && { [deletionPolicyAnnotation]: "orphan" }),
  };
  return {
    ...wave,
    daemonSet: {
      ...wave.daemonSet,
      metadata: { ...metadata, annotations },
      spec: { ...spec, template: keptRestart(template, adopted) },
    },
  };
}

/**
 * With the trace of a `kubectl rollout restart`: Pulumi's provider takes over what kubectl has written, so that a template
 * without it would take it away, which is one more restart.
 */
function keptRestart(template: Template, adopted: Readonly<Record<string, string>> = {}): Template {
  const { [kubectlRestart]: restartedAt } = adopted;
  const { metadata } = template;
  return restartedAt === undefined
    ? template
    : {
        ...template,
        metadata: { ...metadata, annotations: { ...metadata.annotations, [kubectlRestart]: restartedAt } },
      };
}

type Template = DaemonSet["spec"]["template"];

function restartedTemplate(wave: Wave, token: string): Template {
  const { metadata, spec } = bareTemplate(wave);
  return {
    metadata: {
      ...metadata,
      annotations: {
        ...metadata.annotations,
        [configHashAnnotation]: configHash(wave.configMap.data),
        [restartAnnotation]: token,
      },
    },
    spec,
  };
}

/** The pod template without what makes a restart. */
function bareTemplate({ daemonSet }: Wave): Template {
  const { metadata, spec } = daemonSet.spec.template;
  const [container] = spec.containers;
  return {
    metadata,
    spec: { ...spec, containers: [{ ...container, env: container.env.map(withFieldVersion) }] },
  };
}

/**
 * Whether a DaemonSet still has the pod template with which it was taken over, and nothing that is wanted now restarts
 * its pods.
 *
 * @param annotations - of the DaemonSet in the cluster
 */
export function staysAdopted(
  wave: Wave,
  token: string,
  annotations: Readonly<Record<string, string>>,
): boolean {
  return (
    annotations[restartAnnotation] === token &&
    annotations[configHashAnnotation] === configHash(wave.configMap.data) &&
    annotations[templateHashAnnotation] === templateHash(bareTemplate(wave))
  );
}

function withFieldVersion(variable: ContainerEnvVar): ContainerEnvVar {
  const { valueFrom } = variable;
  return valueFrom === undefined
    ? variable
    : { ...variable, valueFrom: { fieldRef: { apiVersion: "v1", ...valueFrom.fieldRef } } };
}

/** A hash of a pod template: 64 hex digits. */
export function templateHash(template: Template): string {
  return createHash("sha256").update(JSON.stringify(template)).digest("hex");
}

/** How many in-place changes of the pod template there is room for between two replacements. */
const changesBetweenRestarts = 2n ** 16n;

/**
 * The number that a new DaemonSet gives its pod template.
 *
 * The DaemonSet controller takes a pod for up to date when its revision *or* its template's number matches. A new
 * DaemonSet counts from 1, as the old one did: it would adopt the old pods as its own, nothing would restart, and
 * everything would report success. So each template, which holds the restart token, has a number of its own, with room
 * above it, since the API server adds one with every change of the template; none is as small as those of a DaemonSet
 * that nobody numbered.
 *
 * @param hash - the template's {@link templateHash}
 * @returns a decimal number that fits int64, from 46 bits of the hash
 *
 * Source: pkg/controller/daemon/util `IsPodUpdated`; pkg/registry/apps/daemonset `strategy.go`.
 */
export function templateGeneration(hash: string): string {
  return String(((BigInt(`0x${hash.slice(0, 16)}`) >> 18n) + 1n) * changesBetweenRestarts);
}

const annotationPath = (name: string) => `metadata.annotations["${name}"]`;

/**
 * What makes a new token replace the DaemonSet, beside the explicit `deleteBeforeReplace` of every child.
 *
 * @param live - annotations of the DaemonSet in the cluster; undefined where there is none, or nobody could ask
 * @param token - undefined where it is not known yet
 * @param isTaken - whether it is imported, so that it cannot be replaced
 */
export function restartOptions(
  live: Readonly<Record<string, string>> | undefined,
  token: string | undefined,
  isTaken = false,
): { replaceOnChanges: string[]; ignoreChanges: string[] } {
  // Who writes the whole DaemonSet anew, as kubeadm does, takes its annotations away. Were the token's return a reason to
  // replace it, it would be deleted without the policy that is gone as well, and with all its pods.
  const isForeign = isTaken || (live !== undefined && !(restartAnnotation in live));
  // Where the engine died before it wrote down that the token is there, its state knows of none.
  const isInForce = live !== undefined && live[restartAnnotation] === token;
  // With another layout of pools, too, the DaemonSet starts anew: its pods change hands.
  const reasons = isForeign ? [] : isInForce ? [layoutAnnotation] : [restartAnnotation, layoutAnnotation];
  return {
    replaceOnChanges: reasons.map(annotationPath),
    // The API server owns the number and adds to it, and where nobody could ask who has restarted last, whoever runs the
    // program is another one: all would be a difference in every later preview. A replacement takes the program's own
    // values all the same.
    ignoreChanges: [
      templateGenerationAnnotation,
      ...(live === undefined ? [traceAnnotations.by, traceAnnotations.at] : []),
    ].map(annotationPath),
  };
}

/** The trace of the restart that is in force, where the token is no new one. */
export function tracedRestart(restart: Restart, live: Readonly<Record<string, string>>): Restart {
  const { [traceAnnotations.by]: by = restart.by, [traceAnnotations.at]: at = restart.at } = live;
  return live[restartAnnotation] === restart.token ? { ...restart, by, at } : restart;
}
