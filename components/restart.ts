import { createHash } from "node:crypto";
import type { CustomResourceOptions, CustomTimeouts } from "@pulumi/pulumi";
import { configHash } from "./kubeadm/manifests.ts";
import type { ContainerEnvVar, KubeProxyObjects } from "./kubeadm/objects.ts";

/** Annotation that holds the restart token, on the DaemonSet and on its pods. */
export const restartAnnotation = "kube-proxy/restart";

/** Annotation on the pods that holds the hash of the configuration they were started with. */
export const configHashAnnotation = "kube-proxy/config-hash";

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
const orphanAnnotation = { "pulumi.com/deletionPropagationPolicy": "orphan" } as const;

/**
 * kubeadm's objects as this program owns them: with the annotations that make a restart.
 *
 * - The DaemonSet carries the restart token from its first day on. Were it added by the first restart, Pulumi would
 *   see a new `annotations` map, which a `replaceOnChanges` path for one key does not match, and nothing would restart.
 * - The pods carry it too, so that `kubectl get pods` tells which restart they belong to.
 * - The pods carry the configuration's hash: kube-proxy reads its ConfigMap only once, when it starts, so that a
 *   changed configuration has to change the pods.
 * - `fieldRef` names its API version, which the API server would default: without it an import conflicts with the
 *   field manager `kubeadm`.
 * - `Rolling` says so to the provider from the first day on, too: a deletion goes by what the state has of the old
 *   DaemonSet, not by what the program says now. And it numbers the pod template, see {@link templateGeneration}.
 */
export function withRestart(
  objects: KubeProxyObjects,
  token: string,
  strategy: RestartStrategy = RestartStrategy.Recreate,
): KubeProxyObjects {
  const { daemonSet } = objects;
  const { template } = daemonSet.spec;
  const [container] = template.spec.containers;
  const restarted = {
    metadata: {
      ...template.metadata,
      annotations: {
        [configHashAnnotation]: configHash(objects.configMap.data),
        [restartAnnotation]: token,
      },
    },
    spec: {
      ...template.spec,
      containers: [{ ...container, env: container.env.map(withFieldVersion) }],
    },
  } as const;
  const annotations = {
    [restartAnnotation]: token,
    ...(strategy === RestartStrategy.Rolling && {
      ...orphanAnnotation,
      [templateGenerationAnnotation]: templateGeneration(JSON.stringify(restarted)),
    }),
  };
  return {
    ...objects,
    daemonSet: {
      ...daemonSet,
      metadata: { ...daemonSet.metadata, annotations },
      spec: { ...daemonSet.spec, template: restarted },
    },
  };
}

function withFieldVersion(variable: ContainerEnvVar): ContainerEnvVar {
  const { valueFrom } = variable;
  return valueFrom === undefined
    ? variable
    : { ...variable, valueFrom: { fieldRef: { apiVersion: "v1", ...valueFrom.fieldRef } } };
}

/** How many in-place changes of the pod template there is room for between two restarts. */
const changesBetweenRestarts = 2n ** 16n;

/**
 * The number that a restart gives the pod template.
 *
 * The DaemonSet controller takes a pod for up to date when its revision *or* its template's number matches. A new
 * DaemonSet counts from 1, as the old one did: it would adopt the old pods as its own, nothing would restart, and
 * everything would report success. So each template, which holds the token, has a number of its own: by that of the
 * token alone, pods that an interrupted restart has left would pass for new ones after their image was mended. There is
 * room above each, since the API server adds one with every change of the template; none is as small as those of a
 * DaemonSet that nobody numbered.
 *
 * @param template - the pod template as JSON
 * @returns a decimal number that fits int64, from 46 bits of the template's hash
 *
 * Source: pkg/controller/daemon/util `IsPodUpdated`; pkg/registry/apps/daemonset `strategy.go`.
 */
export function templateGeneration(template: string): string {
  const hash = createHash("sha256").update(template).digest().readBigUInt64BE() >> 18n;
  return String((hash + 1n) * changesBetweenRestarts);
}

/** What makes a new token replace the DaemonSet, beside the explicit `deleteBeforeReplace` of every child. */
export function restartOptions(timeouts: CustomTimeouts): CustomResourceOptions {
  return {
    replaceOnChanges: [`metadata.annotations["${restartAnnotation}"]`],
    // The API server owns the number and adds to it, which would be a difference in every later preview. A replacement
    // takes the program's own number all the same.
    ignoreChanges: [`metadata.annotations["${templateGenerationAnnotation}"]`],
    customTimeouts: timeouts,
  };
}
